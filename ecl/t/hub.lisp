;;;; hub.lisp: hubs, and posting to them.

(defpackage :hub-test (:use :cl :gcweak :tap))
(in-package :hub-test)

(defvar *notes* '())
(defvar *notes-lock* (mp:make-lock :name "notes"))

(defun note (&rest arguments)
  (mp:with-lock (*notes-lock*)
    (push arguments *notes*)))

(defun noted ()
  (prog1 (reverse *notes*) (setf *notes* '())))

(defun says (who)
  (lambda (type source &rest arguments)
    (note (list* who type source arguments))))

(defun test-patterns ()
  (let ((hub (make-hub)) (a (new-target)) (b (new-target)) (self (list 1)))
    (ok "a hub is one" (hub-p hub))
    (hub-connect hub :saved a (says 'this))
    (hub-connect hub :saved nil (says 'saved))
    (hub-connect hub nil b (says 'b))
    (hub-connect hub nil nil (says 'all))
    (is "an emission tells how many it called" (hub-emit hub :saved a 1) 3)
    (is "those that fit are called" (noted)
        `(((this :saved ,a 1)) ((saved :saved ,a 1)) ((all :saved ,a 1))))
    (hub-emit hub "SAVED" nil)
    (is "a string is a type too" (noted)
        '(((saved "SAVED" nil)) ((all "SAVED" nil))))
    (hub-emit hub nil b)
    (is "so is none" (noted) `(((b nil ,b)) ((all nil ,b))))
    (hub-connect hub (format nil "~c" (code-char 955)) nil #'note)
    (is "any character will do"
        (hub-emit hub (format nil "~c" (code-char 955)) nil) 2)
    (noted)
    (let ((method (make-weak-method self #'note)))
      (hub-connect hub :told nil method)
      (ok "an equal one is connected once"
          (listener= (hub-connect hub :told nil method)
                     (hub-connect hub :told nil method)))
      (hub-emit hub :told nil 'x)
      (is "a method gets its object first"
          (last (noted)) `((,self :told nil x)))
      (ok "it can be disconnected" (hub-disconnect hub :told nil method))
      (ok "once" (not (hub-disconnect hub :told nil method))))
    (is "its size is told" (getf (hub-size hub) :listeners) 5)
    (dispose a)
    (is "what listens to a dead source goes"
        (getf (hub-size hub) :listeners) 4)
    (signals "a number is no source" 'not-collectable
             (lambda () (hub-connect hub :saved 12 #'note)))
    (list (svref a 0) (svref b 0) (car self))))

(defun test-posts ()
  (let ((hub (make-hub)) (source (new-target)) (posters '()))
    (hub-connect hub :news nil (says 'heard))
    (hub-post hub :news source 1 2)
    (is "what is posted waits" (noted) '())
    (is "and is counted" (getf (hub-size hub) :posted) 1)
    (ok "the hub has a descriptor" (integerp (hub-file-descriptor hub)))
    (is "until it is dispatched" (hub-dispatch hub) 1)
    (is "then it comes as an emission does" (noted)
        `(((heard :news ,source 1 2))))
    (is "once" (hub-dispatch hub) 0)
    (loop for i below 4
          do (let ((i i))
               (push (mp:process-run-function
                      "poster"
                      (lambda () (loop for j below 250
                                       do (hub-post hub :news nil i j))))
                     posters)))
    (mapc #'mp:process-join posters)
    (is "any process may post" (hub-dispatch hub) 1000)
    (is "and nothing is lost"
        (length (remove-duplicates (noted) :test #'equal)) 1000)
    (dotimes (i 3) (hub-post hub :news nil i))
    (is "some may be dispatched" (hub-dispatch hub 2) 2)
    (is "the others wait" (getf (hub-size hub) :posted) 1)
    (hub-dispatch hub)
    (noted)
    (hub-connect hub :more nil (lambda (type source)
                                 (hub-post hub type source)))
    (hub-post hub :more nil)
    (is "what is posted meanwhile waits for the next time"
        (hub-dispatch hub) 1)
    (is "and the next" (hub-dispatch hub) 1)
    (svref source 0)))

(defun test-ways-out ()
  (let ((hub (make-hub)) (fail t))
    (hub-connect hub :news nil
                 (lambda (type source n)
                   (declare (ignore type source))
                   (note n)
                   (when fail (error "number ~a" n))))
    (dotimes (i 4) (hub-post hub :news nil i))
    (is "an error goes to who dispatches"
        (handler-case (hub-dispatch hub)
          (error (condition) (princ-to-string condition)))
        "number 0")
    (is "the others wait" (getf (hub-size hub) :posted) 3)
    (is "by a restart they go on"
        (handler-bind ((error #'continue)) (hub-dispatch hub)) 3)
    (is "each once" (noted) '((0) (1) (2) (3)))
    (setf (hub-error-handler hub)
          (lambda (listener condition)
            (note (listener-p listener) (princ-to-string condition))))
    (hub-emit hub :news nil 9)
    (is "an error handler hears of errors" (noted) '((9) (t "number 9")))
    (setf fail nil)
    (hub-post hub :news nil 1)
    (is "and it goes on working" (hub-dispatch hub) 1)))

(test-patterns)
(test-posts)
(test-ways-out)
(finish)
