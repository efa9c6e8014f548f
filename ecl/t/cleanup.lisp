;;;; cleanup.lisp: cleanups, and draining by hand.

(defpackage :cleanup-test (:use :cl :gcweak :tap))
(in-package :cleanup-test)

(defvar *ran* 0)

(defun count-it (&optional (n 1))
  (incf *ran* n))

;; These are no closures: an interpreted one holds all variables in whose scope
;; it is made.

(defun first-of (self)
  (svref self 0))

(defun count-dead (method)
  (unless (weak-method-alive-p method)
    (count-it)))

(defun test-deaths ()
  (setf *ran* 0)
  (make-many (lambda (i)
               (on-new-target (lambda (object)
                                (make-cleanup object #'count-it 1)))
               i))
  (ok "nearly all cleanups of what was dropped run"
      (settled (lambda () (nearly-all-p *ran*))))
  (setf *ran* 0)
  (make-many (lambda (i) (make-cleanup (list i) 'count-it) nil))
  (ok "those of conses too" (settled (lambda () (nearly-all-p *ran*))))
  (setf *ran* 0)
  (make-many (lambda (i)
               (on-new-target
                (lambda (object)
                  (weak-method-on-death (make-weak-method object #'first-of)
                                        #'count-dead)))
               i))
  (ok "so does what waits for the death of a method"
      (settled (lambda () (nearly-all-p *ran*)))))

(defun test-handles ()
  (let* ((object (new-target))
         (order '())
         (cleanup (make-cleanup object (lambda (x) (push x order)) 'first)))
    (ok "a cleanup is one" (cleanup-p cleanup))
    (ok "it is alive" (cleanup-alive-p cleanup))
    (is "it has its object" (cleanup-target cleanup) object)
    (ok "it runs at exit" (cleanup-at-exit-p cleanup))
    (setf (cleanup-at-exit-p cleanup) nil)
    (ok "unless told otherwise" (not (cleanup-at-exit-p cleanup)))
    (make-cleanup object (lambda () (push 'second order)))
    (dispose object)
    (is "nothing runs before somebody drains" order '())
    (is "draining tells how many ran" (drain) 2)
    (is "the newest comes first" order '(first second))
    (ok "then it is not alive" (not (cleanup-alive-p cleanup)))
    (is "nor has it an object" (cleanup-target cleanup) nil))
  (let* ((object (new-target))
         (ran '())
         (one (make-cleanup object (lambda () (push 1 ran))))
         (two (make-cleanup object (lambda () (push 2 ran)))))
    (ok "one can be run early" (cleanup-run one))
    (ok "once" (not (cleanup-run one)))
    (ok "one can be detached" (cleanup-detach two))
    (ok "once too" (not (cleanup-detach two)))
    (dispose object)
    (is "then neither comes any more" (drain) 0)
    (is "what ran, ran once" ran '(1)))
  (let ((object (new-target)))
    (dotimes (i 5) (make-cleanup object #'list))
    (dispose object)
    (is "some may be drained" (drain 2) 2)
    (is "and the rest" (drain) 3)
    (signals "the object itself cannot be what is called" 'gcweak-error
             (lambda ()
               (let ((f (lambda () object))) (make-cleanup f f))))
    (signals "nor a number be waited for" 'not-collectable
             (lambda () (make-cleanup 1 #'list)))
    (svref object 0)))

(defun test-ways-out ()
  (let ((ran '()))
    (flet ((prepare ()
             (let ((object (new-target)))
               (dotimes (i 3)
                 (let ((i i))
                   (make-cleanup object (lambda ()
                                          (push i ran)
                                          (when (= i 1) (error "oh"))))))
               (dispose object))))
      (prepare)
      (is "an error in a cleanup goes to who drains"
          (handler-case (drain) (error () 'caught)) 'caught)
      (is "the rest waits" (drain) 1)
      (is "each was called once" ran '(0 1 2))
      (prepare)
      (is "a restart goes on"
          (handler-bind ((error #'continue)) (drain)) 3)
      (is "with the next" (length ran) 6)))
  (let ((object (new-target)))
    (make-cleanup object (lambda () 1))
    (make-cleanup object (lambda () (throw 'out 'thrown)))
    (dispose object)
    (is "a cleanup may be left by throw" (catch 'out (drain)) 'thrown)
    (is "what has not run waits" (drain) 1))
  (let* ((object (new-target)) (ran nil))
    (make-cleanup object (lambda () (setf ran t)))
    (dispose object)
    (is "an interrupt that leaves before a cleanup has begun"
        (catch 'out
          (mp:without-interrupts
            (mp:interrupt-process mp:*current-process*
                                  (lambda () (throw 'out 'left)))
            (mp:with-local-interrupts (drain))))
        'left)
    (drain)
    (ok "does not lose it" ran)))

(test-deaths)
(test-handles)
(test-ways-out)
(finish)
