;;;; interrupt.lisp: interrupts at any time, which leave whatever is under way.
;;;;
;;;; A process uses the module in a loop.  Another interrupts it, as soon as it
;;;; is ready again, and has it throw out of the loop.  If a lock of the library
;;;; stayed taken, or a turn, the next use would never return.
;;;;
;;;; About once in a million interrupts it is ECL that ends the interrupted
;;;; thread: see doc/ecl.md.  Then this ends with status 75, and is run again.

(defpackage :interrupt-test (:use :cl :gcweak :tap))
(in-package :interrupt-test)

(defparameter *interrupts* 2000)

(defvar *ready* nil
  "A semaphore: the process can be interrupted; or it is gone.")
(defvar *gone* nil)

(defun call-with-process (function control)
  "Calls FUNCTION in a process, and CONTROL with that here, which has it end."
  (setf *ready* (mp:make-semaphore) *gone* nil)
  (let* ((process (mp:process-run-function "storm" function))
         (watcher (mp:process-run-function
                   "watcher" (lambda ()
                               (mp:process-join process)
                               (setf *gone* t)
                               (mp:signal-semaphore *ready*)))))
    (multiple-value-prog1 (funcall control process)
      (mp:process-join watcher))))

(defun wait-until-ready ()
  (mp:wait-on-semaphore *ready*)
  (when *gone*
    (ext:quit 75)))

(defun storm (use)
  "Calls USE for ever in a process, interrupts it, and returns how often it was
left and how often USE returned."
  (let ((left 0) (uses 0) (over nil))
    (call-with-process
     (lambda ()
       (loop until over
             do (catch 'out
                  (mp:signal-semaphore *ready*)
                  (loop (funcall use) (incf uses)))))
     (lambda (process)
       (loop repeat *interrupts*
             do (wait-until-ready)
                (mp:interrupt-process process (lambda ()
                                                (incf left)
                                                (throw 'out nil))))
       (wait-until-ready)
       (mp:interrupt-process process (lambda ()
                                       (setf over t)
                                       (throw 'out nil)))))
    (values left uses)))

(defun test-storm (what use)
  (is (format nil "~a interrupts leave ~a" *interrupts* what)
      (storm use) *interrupts*))

(defvar *ran* 0)
(defvar *lock* (mp:make-lock))

(defun test-calls ()
  (let ((object (new-target)) (map (make-weak-map)))
    (let ((reference (make-weak-reference object)))
      (test-storm "reading a reference"
                  (lambda () (weak-reference-value reference))))
    (test-storm "making references, which die"
                (lambda () (make-weak-reference (list 1))))
    (test-storm "making cleanups, and draining"
                (lambda ()
                  (make-cleanup (list 1) (lambda () (incf *ran*)))
                  (drain)))
    (test-storm "a weak map"
                (lambda ()
                  (weak-map-ensure (list 1) map object)))
    (collect)
    (let ((used nil))
      (make-cleanup object (lambda () (setf used t)))
      (dispose object)
      (drain)
      (ok "then the main process can use it all" used))
    (ok "and the map is whole" (integerp (weak-map-count map)))))

(defun test-emissions ()
  (let ((event (make-event)) (object (new-target)) (calls 0))
    (event-connect event (make-weak-method object
                                           (lambda (self)
                                             (declare (ignore self))
                                             (incf calls))))
    (test-storm "an emission" (lambda () (event-emit event)))
    (setf calls 0)
    (event-emit event)
    (is "then it is emitted as before" calls 1)
    (svref object 0)))

(defun test-once ()
  (let* ((callbacks 300) (ran (make-array callbacks :initial-element 0))
         (over nil))
    (call-with-process
     (lambda ()
       (loop until over
             do (catch 'out
                  (mp:signal-semaphore *ready*)
                  (loop (drain-wait) (drain)))))
     (lambda (process)
       (dotimes (i callbacks)
         (let ((i i) (object (new-target)))
           (make-cleanup object (lambda ()
                                  (mp:without-interrupts
                                    (incf (svref ran i)))))
           (wait-until-ready)
           (dispose object)
           (mp:interrupt-process process (lambda () (throw 'out nil)))))
       (wait-until-ready)
       (mp:interrupt-process process (lambda ()
                                       (setf over t)
                                       (throw 'out nil)))))
    (drain)
    (ok "no callback runs twice" (every (lambda (n) (<= n 1)) ran))
    (ok "nearly none is left half done by an interrupt"
        (nearly-all-p (count 1 ran) callbacks))))

(test-calls)
(test-emissions)
(test-once)
(finish)
