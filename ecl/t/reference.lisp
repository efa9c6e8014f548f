;;;; reference.lisp: weak references and weak methods.

(defpackage :reference-test (:use :cl :gcweak :tap))
(in-package :reference-test)

(defun test-references ()
  (let* ((object (new-target))
         (reference (make-weak-reference object)))
    (ok "a weak reference is one" (weak-reference-p reference))
    (ok "nothing else is" (notany #'weak-reference-p (list 1 nil object)))
    (is "it gives its object" (weak-reference-value reference) object)
    (is "two of one object share their number"
        (weak-reference-id (make-weak-reference object))
        (weak-reference-id reference))
    (ok "the long one has another"
        (/= (weak-reference-id (make-weak-reference object :long t))
            (weak-reference-id reference)))
    (dispose object)
    (is "after dispose it gives NIL" (weak-reference-value reference) nil)
    (svref object 0)))

(defun count-dead (make)
  (let ((references (make-many (lambda (i)
                                 (make-weak-reference (funcall make i))))))
    (collect)
    (count-if-not #'weak-reference-value references)))

(defun test-deaths ()
  (ok "nearly all vectors that were dropped die"
      (nearly-all-p (count-dead (lambda (i) (vector i)))))
  (ok "so do conses, whose pointers are tagged"
      (nearly-all-p (count-dead #'list)))
  (ok "strings" (nearly-all-p (count-dead (lambda (i)
                                            (format nil "number ~a" i)))))
  (ok "closures" (nearly-all-p (count-dead (lambda (i) (lambda () i)))))
  (ok "double floats" (nearly-all-p (count-dead (lambda (i)
                                                  (+ i 0.5d0)))))
  (ok "hash tables" (nearly-all-p (count-dead (lambda (i)
                                                (declare (ignore i))
                                                (make-hash-table)))))
  (ok "symbols" (nearly-all-p (count-dead (lambda (i)
                                            (make-symbol
                                             (princ-to-string i))))))
  (let* ((held (make-many #'list))
         (references (mapcar #'make-weak-reference held)))
    (collect)
    (ok "those that are held live"
        (every (lambda (reference object)
                 (eq (weak-reference-value reference) object))
               references held))))

(defun test-what-is-refused ()
  (dolist (x (list 1 #\a nil t 'car 1.0f0 (1- (ash 1 60))))
    (unless (typep x 'float)
      (signals (format nil "~s is refused" x) 'not-collectable
               (lambda () (make-weak-reference x)))))
  (signals "that is an error of the type too" 'type-error
           (lambda () (make-weak-reference 12)))
  (handler-case (make-weak-reference 12)
    (gcweak-error (condition)
      (is "it says who" (gcweak-error-operation condition)
          'make-weak-reference)
      (is "and what" (gcweak-error-name condition) :einval)
      (ok "and why" (stringp (gcweak-error-reason condition)))
      (ok "in words" (search "12 cannot be held weakly"
                             (princ-to-string condition))))))

(defun test-methods ()
  (let* ((object (list 1 2))
         (method (make-weak-method object #'list)))
    (ok "a weak method is one" (weak-method-p method))
    (is "it is called with its object" (weak-method-call method 3 4)
        (list object 3 4))
    (is "and may give several values"
        (multiple-value-list
         (weak-method-call (make-weak-method object #'values) 3))
        (list object 3))
    (is "the name of a function will do"
        (weak-method-call (make-weak-method object 'first)) 1)
    (ok "it is alive" (weak-method-alive-p method))
    (ok "equal to one with the same parts"
        (weak-method= method (make-weak-method object #'list)))
    (is "with the same hash"
        (weak-method-hash (make-weak-method object #'list))
        (weak-method-hash method))
    (ok "but not to another"
        (not (weak-method= method (make-weak-method object #'vector))))
    (is "bound it is a function" (funcall (weak-method-bind method) 5)
        (list object 5))
    (is "a lambda without its object in it"
        (weak-method-call (weak-lambda (object) (x) (list x object)) 5)
        (list 5 object))
    (dispose object)
    (ok "dead it is not alive" (not (weak-method-alive-p method)))
    (is "nor bound" (weak-method-bind method) nil)
    (signals "nor called" 'dead-object (lambda () (weak-method-call method)))
    (handler-case (weak-method-call method)
      (dead-object (condition)
        (is "which the error says" (dead-object-handle condition) method)))
    (car object)))

(defun count-dead-methods (make)
  (let ((methods (make-many (lambda (i) (declare (ignore i))
                              (on-new-target make)))))
    (collect)
    (count-if-not #'weak-method-alive-p methods)))

(defun first-of (self)
  (svref self 0))

;; An interpreted closure holds all variables in whose scope it is made.
(defun test-what-methods-hold ()
  (ok "a method does not hold its object"
      (nearly-all-p (count-dead-methods
                     (lambda (object)
                       (make-weak-method object #'first-of)))))
  (ok "nor does a compiled weak-lambda"
      (or (string= (ext:getenv "GCWEAK_MODE") "interpreted")
          (nearly-all-p (count-dead-methods
                         (lambda (object)
                           (weak-lambda (object) () (svref object 0)))))))
  (is "a closure over the object does"
      (count-dead-methods
       (lambda (object)
         (make-weak-method object (lambda (self)
                                    (declare (ignore self))
                                    (svref object 0)))))
      0)
  (ok "unless it is held weakly"
      (nearly-all-p (count-dead-methods
                     (lambda (object)
                       (setf (svref object 1)
                             (lambda (self)
                               (declare (ignore self))
                               (svref object 0)))
                       (make-weak-method object (svref object 1)
                                         :weak-function t))))))

(defun test-ways-out ()
  (let* ((object (new-target))
         (leave (make-weak-method object (lambda (self how)
                                           (declare (ignore self))
                                           (funcall how)))))
    (is "a method may be left by return-from"
        (block nil
          (weak-method-call leave (lambda () (return 1))))
        1)
    (is "by throw"
        (catch 'tag (weak-method-call leave (lambda () (throw 'tag 2)))) 2)
    (is "and by an error"
        (handler-case (weak-method-call leave (lambda () (error "oh")))
          (error () 3))
        3)
    (svref object 0)))

(test-references)
(test-deaths)
(test-what-is-refused)
(test-methods)
(test-what-methods-hold)
(test-ways-out)
(finish)
