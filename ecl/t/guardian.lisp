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

;; Each test has a guardian of its own: what is late would come to the next.
(defun test-dead ()
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
    (svref held 0)))

(defun test-representatives ()
  (let ((guardian (make-guardian)))
    (make-many (lambda (i) (guardian-add guardian (new-target) i)))
    (let ((dead (take-nearly-all guardian)))
      (ok "nearly as many representatives come" (nearly-all-p (length dead)))
      (ok "they and nothing else" (every #'integerp dead)))))

(defun test-refused ()
  (signals "a number is not guarded" 'not-collectable
           (lambda () (guardian-add (make-guardian) 12))))

(test-dead)
(test-representatives)
(test-refused)
(finish)
