;;;; event.lisp: events and listeners.

(defpackage :event-test (:use :cl :gcweak :tap))
(in-package :event-test)

(defvar *notes* '())

(defun note (&rest arguments)
  (push arguments *notes*))

(defun noted ()
  (prog1 (reverse *notes*) (setf *notes* '())))

(defun test-basics ()
  (let* ((object (new-target))
         (event (make-event "noted"))
         (listener (event-connect event (make-weak-method object #'note))))
    (ok "an event is one" (event-p event))
    (ok "a listener is one" (listener-p listener))
    (ok "it shows its name" (search "noted" (princ-to-string event)))
    (is "an emission tells how many it called" (event-emit event 1 2) 1)
    (is "a method gets its object and the arguments" (noted)
        (list (list object 1 2)))
    (event-connect event #'note)
    (event-connect event 'note)
    (is "functions and names get the arguments"
        (progn (event-emit event) (noted)) (list (list object) '() '()))
    (is "many arguments" (progn (apply #'event-emit event
                                       (make-list 60 :initial-element 1))
                                (mapcar #'length (noted)))
        '(61 60 60))
    (is "the event counts" (event-count event) 3)
    (ok "a listener is connected" (listener-connected-p listener))
    (ok "and may be disconnected" (listener-disconnect listener))
    (ok "once" (not (listener-disconnect listener)))
    (is "a function too" (event-disconnect event #'note) 1)
    (is "and a name" (event-disconnect event 'note) 1)
    (is "then nobody is called" (event-emit event) 0)
    (svref object 0)))

(defun test-options ()
  (let ((event (make-event)))
    (flet ((says (what) (lambda () (note what))))
      (event-connect event (says 'a))
      (event-connect event (says 'front) :front t)
      (event-connect event (says 'once) :once t)
      (is "listeners are called in order"
          (progn (event-emit event) (noted)) '((front) (a) (once)))
      (is "and :once only once"
          (progn (event-emit event) (noted)) '((front) (a)))))
  (let* ((event (make-event))
         (object (new-target))
         (listener (event-connect event (make-weak-method object #'note))))
    (ok ":unique gives the listener that is there"
        (listener= listener
                   (event-connect event (make-weak-method object #'note)
                                  :unique t)))
    (listener-block listener)
    (is "a blocked listener is not called" (event-emit event) 0)
    (listener-unblock listener)
    (is "unblocked it is" (event-emit event) 1)
    (signals "it cannot be unblocked twice" 'gcweak-error
             (lambda () (listener-unblock listener)))
    (noted)
    (svref object 0)))

(defun test-deaths ()
  (let ((event (make-event))
        (held (make-many (lambda (i) (list i)) 100)))
    (dolist (object held)
      (event-connect event (make-weak-method object #'note)))
    (make-many (lambda (i)
                 (declare (ignore i))
                 (on-new-target
                  (lambda (object)
                    (event-connect event (make-weak-method object #'note))))
                 nil))
    (collect)
    (ok "nearly all listeners whose objects were dropped are gone"
        (<= 100 (event-count event) 150))
    (is "those that are there are called" (event-emit event)
        (length (noted)))
    (is "those that are held are there" (length held) 100)))

(defun test-changes ()
  (let ((event (make-event)) third)
    (event-connect event
                   (lambda ()
                     (note 'first)
                     (event-connect event (lambda () (note 'new)) :once t)
                     (listener-disconnect third)))
    (event-connect event (lambda () (note 'second)))
    (setf third (event-connect event (lambda () (note 'third))))
    (is "what is connected meanwhile waits, what is disconnected is passed over"
        (progn (event-emit event) (noted)) '((first) (second)))
    (is "the next emission calls the new"
        (progn (event-emit event) (noted)) '((first) (second) (new))))
  (let ((event (make-event)) (object (new-target)))
    (event-connect event (lambda () (dispose object)))
    (event-connect event (make-weak-method object #'note))
    (is "what dies before its turn is not called" (event-emit event) 1))
  (let ((event (make-event)) (depth 0))
    (event-connect event (lambda (n)
                           (setf depth (max n depth))
                           (when (< n 50) (event-emit event (1+ n)))))
    (event-emit event 1)
    (is "a listener may emit its own event" depth 50)))

;;; Errors, and other ways out.

(defun event-with (&rest listeners)
  (let ((event (make-event "failing")))
    (dolist (listener listeners event)
      (event-connect event listener))))

(defun test-errors ()
  (let ((event (event-with (lambda () (error "oh"))
                           (lambda () (note 'second))
                           (lambda () (error "no"))
                           (lambda () (note 'fourth)))))
    (is "an error in a listener goes to who emits"
        (handler-case (event-emit event)
          (error (condition) (princ-to-string condition)))
        "oh")
    (is "and the emission is over" (noted) '())
    (is "the restart continue goes on"
        (handler-bind ((error #'continue)) (event-emit event)) 4)
    (is "with the next" (noted) '((second) (fourth)))
    (is "so does next-callback"
        (handler-bind ((error (lambda (condition)
                                (declare (ignore condition))
                                (invoke-restart 'next-callback))))
          (event-emit event))
        4)
    (noted)
    (setf (event-error-handler event)
          (lambda (listener condition)
            (note (listener-p listener) (princ-to-string condition))))
    (is "with an error handler all are called" (event-emit event) 4)
    (is "it gets the listener and the condition" (noted)
        '((t "oh") (second) (t "no") (fourth)))
    (let ((outer (event-with (lambda () (event-emit event) (error "outside"))
                             (lambda () (note 'after)))))
      (setf (event-error-handler event) nil)
      (setf (event-error-handler outer)
            (lambda (listener condition)
              (declare (ignore listener))
              (note (princ-to-string condition))))
      (is "an emission within one fails with its listener"
          (progn (event-emit outer) (noted)) '(("oh") (after))))))

(defun test-ways-out ()
  (let ((how nil) (event nil))
    (setf event (event-with (lambda () (funcall how))
                            (lambda () (note 'next))))
    (is "a listener may be left by throw"
        (catch 'tag
          (setf how (lambda () (throw 'tag 1)))
          (event-emit event))
        1)
    (is "by return-from"
        (block nil
          (setf how (lambda () (return 2)))
          (event-emit event))
        2)
    (is "by go"
        (let ((n 0))
          (tagbody
             (setf how (lambda () (go out)))
             (event-emit event)
             (setf n 100)
           out
             (incf n 3))
          n)
        3)
    (is "by a restart of the emitter's"
        (restart-case
            (progn (setf how (lambda () (invoke-restart 'mine 4)))
                   (event-emit event))
          (mine (x) x))
        4)
    (is "and by unwinding through a cleanup form"
        (catch 'tag
          (setf how (lambda () (unwind-protect (throw 'tag 5) (note 'unwound))))
          (event-emit event))
        5)
    (is "then nobody else is called" (noted) '((unwound)))
    (setf how (lambda () (catch 'inside (throw 'inside 1))))
    (is "control flow within a listener is free"
        (progn (event-emit event) (noted)) '((next)))
    (setf how (lambda () (throw 'tag 1)))
    (loop repeat 10000 do (catch 'tag (event-emit event)))
    (setf how (lambda () 1))
    (is "after 10,000 emissions that were left it works as before"
        (event-emit event) 2)
    (noted)))

(defun test-interrupts-within ()
  (let ((event (event-with (lambda () (note ext:*interrupts-enabled*)))))
    (event-emit event)
    (is "listeners are called with interrupts on" (noted) '((t)))
    (mp:without-interrupts (event-emit event))
    (is "unless the emitter has them off" (noted) '((nil)))))

(test-basics)
(test-options)
(test-deaths)
(test-changes)
(test-errors)
(test-ways-out)
(test-interrupts-within)
(finish)
