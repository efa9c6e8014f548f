;;;; guardian.lisp: guardians.

(defpackage :guardian-test (:use :cl :gcweak :tap))
(in-package :guardian-test)

(defun take-all (guardian)
  (loop with object and found
        do (setf (values object found) (guardian-next guardian))
        while found collect object))

;; As ever some may live for a collection more.
(defun take-nearly-all (guardian)
  (let ((dead '()))
    (settled (lambda ()
               (setf dead (append (take-all guardian) dead))
               (nearly-all-p (length dead))))
    dead))

(defun test-guardians ()
  (let ((guardian (make-guardian)) (held (new-target)))
    (ok "a guardian is one" (guardian-p guardian))
    (is "it has nothing at first"
        (multiple-value-list (guardian-next guardian)) '(nil nil))
    (guardian-add guardian held)
    (make-many (lambda (i) (guardian-add guardian (list 'number i))))
    (let ((dead (take-nearly-all guardian)))
      (ok "nearly all that were dropped come back" (nearly-all-p (length dead)))
      (ok "whole" (every (lambda (object)
                           (and (eq (first object) 'number)
                                (integerp (second object))))
                         dead))
      (ok "each once" (= (length dead)
                         (length (remove-duplicates dead :key #'second)))))
    (make-many (lambda (i) (guardian-add guardian (new-target) i)))
    (let ((dead (take-nearly-all guardian)))
      (ok "or what stands for them"
          (and (nearly-all-p (length dead)) (every #'integerp dead))))
    (signals "a number is not guarded" 'not-collectable
             (lambda () (guardian-add guardian 12)))
    (svref held 0)))

(test-guardians)
(finish)
