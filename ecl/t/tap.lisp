;;;; tap.lisp: what the test programs of the module share.
;;;;
;;;; A test program prints a line for each case, without numbers: t/ecl.t
;;;; counts, and takes a program for failed that does not say at its end that it
;;;; has finished.
;;;;
;;;; Deaths.  Collection is conservative: a stale word on a stack keeps an
;;;; object alive.  So a test makes many objects in a function that has
;;;; returned, and asks that nearly all have died.

(defpackage :tap
  (:use :cl :gcweak)
  (:export #:ok #:is #:signals #:finish
           #:*many* #:nearly-all-p #:make-many #:new-target #:on-new-target
           #:settled))

(in-package :tap)

(defun ok (what passed)
  (format t "~:[not ok~;ok~] - ~a~%" passed what)
  (finish-output))

(defun is (what got expected)
  (let ((passed (equalp got expected)))
    (ok what passed)
    (unless passed
      (format t "# got      ~s~%# expected ~s~%" got expected)
      (finish-output))))

(defun signals (what type function)
  "FUNCTION signals a condition of this type."
  (is what
      (handler-case (progn (funcall function) 'nothing)
        (condition (condition)
          (if (typep condition type) type (type-of condition))))
      type))

(defun finish ()
  (format t "finished~%")
  (finish-output))

;;; Of *MANY* objects that were dropped, nearly all must have died.

(defparameter *many* 1000)

(defun nearly-all-p (count &optional (of *many*))
  (>= count (* 95/100 of)))

(defun new-target ()
  "An ordinary object, of a size that little else has."
  (make-array 20 :initial-element nil))

(defun on-new-target (make)
  "What (MAKE object) returns for an object that lives until then."
  (let* ((object (new-target))
         (result (funcall make object)))
    (setf (svref object 0) 'dropped)
    result))

(defun make-many (make &optional (n *many*))
  "What MAKE returns for each number below N; in a function of its own, so that
nothing of it is left on the stack but stale words."
  (loop for i below n collect (funcall make i)))

(defun settled (true-p)
  "Collects and drains until (TRUE-P) is true, a few times at most."
  (loop repeat 5
        do (collect)
        when (funcall true-p) return t))
