;;;; exit.lisp: programs that end in different ways.  GCWEAK_HOW says in which;
;;;; t/ecl.t knows what they must say, and their status.

(defpackage :exit-test (:use :cl :gcweak :tap))
(in-package :exit-test)

(defun say (what &rest more)
  (format t "~a~{ ~a~}~%" what more)
  (finish-output))

(defun saying (what &rest more)
  (lambda () (apply #'say what more)))

(defun say-status ()
  (say 'handler *exit-status*))

(defvar *kept* (new-target)
  "An object that lives to the end.")

(defun c-exit (function status)
  "Calls a function of C that ends the process."
  (si:call-cfun (si:find-foreign-symbol function :default :pointer-void 0)
                :void '(:int) (list status)))

(defun say-method-status ()
  (exit-handler-register
   (make-weak-method *kept* (lambda (self)
                              (declare (ignore self))
                              (say 'method *exit-status*)))))

(defparameter *ways* (make-hash-table :test 'equal))

(defmacro define-way (name &body body)
  `(setf (gethash ,(string-downcase name) *ways*) (lambda () ,@body)))

(defun no-luck ()
  (error "no such luck"))

;;; Ways to end.

(define-way end-of-script
  (exit-handler-register #'say-status))

(define-way quit-3
  (exit-handler-register 'say-status)
  (ext:quit 3))

(define-way other-processes
  (exit-handler-register #'say-status)
  (let ((begun (mp:make-semaphore)))
    (loop repeat 3
          do (mp:process-run-function
              "busy" (lambda ()
                       (mp:signal-semaphore begun)
                       (loop (make-weak-reference (list 1)) (drain))))
             (mp:wait-on-semaphore begun)))
  (ext:quit 4))

(define-way in-unwind-protect
  (exit-handler-register #'say-status)
  (unwind-protect (ext:quit 5)
    (say 'unwound)))

(define-way c-exit
  (say-method-status)
  (c-exit "exit" 6))

(define-way c-exit-in-a-process
  (say-method-status)
  (mp:process-join (mp:process-run-function "exits"
                                            (lambda () (c-exit "exit" 7)))))

(define-way an-error
  (exit-handler-register #'say-status)
  (no-luck))

(define-way underscore-exit
  (exit-handler-register #'say-status)
  (c-exit "_exit" 8))

;;; What runs.

(define-way order
  (exit-handler-register (saying 'a))
  (exit-handler-register (lambda ()
                           (say 'b)
                           (exit-handler-register (saying 'new))))
  (exit-handler-register (saying 'c) :name "c"))

(define-way dead
  (let ((object (new-target)))
    (exit-handler-register #'say-status)
    (exit-handler-register (make-weak-method object #'say))
    (dispose object)))

(define-way cleanups
  (let ((object (new-target)))
    (make-cleanup *kept* #'say 'first)
    (make-cleanup *kept* #'say 'second 2)
    (setf (cleanup-at-exit-p (make-cleanup *kept* #'say 'never)) nil)
    (exit-handler-register (saying 'handler))
    (make-cleanup object #'say 'pending)
    (dispose object)))

(defvar *cons* (list 1))

(define-way cleanup-of-a-cons
  (make-cleanup *cons* #'say 'cleanup))

(define-way unregistered
  (let ((handler (exit-handler-register (saying 'never))) running)
    (say (exit-handler-unregister handler))
    (say (exit-handler-unregister handler))
    (setf running (exit-handler-register
                   (lambda () (say (exit-handler-unregister running)))))))

(defun register-three (registry)
  (exit-handler-register (lambda () (say 'a *exit-status*))
                         :registry registry)
  (exit-handler-register (make-weak-method *kept*
                                           (lambda (self)
                                             (declare (ignore self))
                                             (say 'method *exit-status*)))
                         :registry registry)
  (exit-handler-register (lambda () (say 'b *exit-status*))
                         :registry registry :keep t))

(define-way registry
  (let ((registry (make-exit-registry "mine")))
    (say (exit-registry-p registry))
    (register-three registry)
    (say (exit-registry-run registry 7))
    (say (exit-registry-run registry))
    (exit-handler-register #'no-luck :registry registry)
    (say (handler-case (exit-registry-run registry)
           (error () 'caught)))
    (exit-handler-register #'no-luck :registry registry)
    (setf (exit-registry-error-handler registry)
          (lambda (handler condition)
            (say (exit-handler-p handler) condition)))
    (say (exit-registry-run registry))
    (say (catch 'out
           (exit-handler-register (lambda () (throw 'out 'thrown))
                                  :registry registry)
           (exit-registry-run registry)))))

(defun say-refused (function)
  (handler-case (funcall function)
    (gcweak-error (condition)
      (say 'refused (gcweak-error-name condition)))))

(define-way shutdown
  (exit-handler-register #'say-status)
  (make-cleanup *kept* #'say 'cleanup)
  (shutdown 9)
  (say-refused (lambda () (exit-handler-register #'say)))
  (say-refused (lambda () (make-cleanup *kept* #'say)))
  (shutdown)
  (say (event-emit (make-event))))

(define-way drain-process
  (start-drain-process)
  (make-cleanup *kept* #'say 'cleanup)
  (exit-handler-register (saying 'handler)))

(define-way output
  (exit-handler-register (lambda () (format t "through a stream~%"))))

;;; Failures.

(define-way failing
  (exit-handler-register (saying 'a))
  (exit-handler-register #'no-luck)
  (exit-handler-register (saying 'b))
  (make-cleanup *kept* #'no-luck)
  (ext:quit 2))

(define-way failing-heard
  (setf *failure-handler* (lambda (function condition)
                            (say 'heard condition)
                            (funcall function)))
  (exit-handler-register (saying 'a))
  (exit-handler-register #'no-luck)
  (ext:quit 2))

(define-way escaping
  (exit-handler-register (saying 'a))
  (exit-handler-register (lambda () (throw 'out 'thrown)))
  (exit-handler-register (saying 'b))
  (say (catch 'out (shutdown) 'returned)))

(define-way quitting
  (exit-handler-register (saying 'a))
  (exit-handler-register (lambda () (say 'quits) (ext:quit 3)))
  (exit-handler-register (saying 'b)))

(define-way interrupts
  (exit-handler-register
   (lambda ()
     (say ext:*interrupts-enabled*)
     (mp:interrupt-process mp:*current-process* (saying 'inside))
     (say 'after))))

;;; Signals.

(defun c-int (name &rest arguments)
  "Calls a function of C, of numbers."
  (si:call-cfun (si:find-foreign-symbol name :default :pointer-void 0) :int
                (mapcar (constantly :int) arguments) arguments))

(defconstant +hup+ 1)
(defconstant +int+ 2)
(defconstant +usr1+ 10)
(defconstant +term+ 15)

(defun wait-for-ever ()
  (loop (sleep 1)))

(defun end-by (signal)
  (exit-on-signal signal)
  (c-int "raise" signal)
  (wait-for-ever))

(defun refusal (function &rest arguments)
  "The name of the error."
  (handler-case (apply function arguments)
    (gcweak-error (condition) (gcweak-error-name condition))))

(define-way signal-orderly
  (exit-handler-register #'say-status)
  (end-by +term+))

(define-way signal-unwinds
  (exit-handler-register #'say-status)
  (unwind-protect (end-by +term+)
    (say 'unwound)))

;; Another thread exits, by C's exit.
(define-way signal-without-interrupts
  (say-method-status)
  (exit-on-signal +term+)
  (mp:without-interrupts
    (c-int "raise" +term+)
    (loop (c-int "sleep" 1))))

(define-way signal-twice
  (exit-handler-register #'say-status)
  (exit-handler-register (lambda ()
                           (say 'hangs)
                           (c-int "raise" +term+)
                           (wait-for-ever)))
  (end-by +term+))

(define-way signal-in-exit
  (exit-handler-register #'say-status)
  (exit-on-signal +term+)
  (exit-handler-register (lambda ()
                           (say 'signal)
                           (c-int "raise" +term+)
                           (sleep 1/100)
                           (say "GOES ON" (exit-signal))))
  (ext:quit 3))

(define-way signal-ignored
  (let ((ignore (si:find-foreign-symbol "signal" :default :pointer-void 0)))
    (si:call-cfun ignore :pointer-void '(:int :unsigned-long)
                  (list +hup+ 1)))
  (say (exit-on-signal +hup+) (exit-on-signal +hup+ :chain t))
  (c-int "raise" +hup+)
  (say (exit-signal) (exit-off-signal +hup+))
  (say (exit-on-signal +hup+ :force t))
  (c-int "raise" +hup+)
  (wait-for-ever))

;; ECL has one for this signal.
(define-way signal-with-handler
  (ext:set-signal-handler +int+ (lambda (&rest unused) unused))
  (say (refusal #'exit-on-signal +int+))
  (exit-signal-file-descriptor)
  (say (exit-on-signal +int+ :chain t))
  (c-int "raise" +int+)
  (exit-by-signal))

(define-way signal-refused
  (say (refusal #'exit-on-signal 17))
  (say (refusal #'exit-off-signal 1000)))

(define-way signal-taken-back
  (exit-handler-register #'say-status)
  (exit-on-signal +term+)
  (say (exit-off-signal +term+) (exit-off-signal +term+))
  (c-int "raise" +term+))

(define-way signal-file-descriptor
  (exit-handler-register #'say-status)
  (exit-on-signal +term+)
  (say (= (exit-signal-file-descriptor) (exit-signal-file-descriptor)))
  (c-int "raise" +term+)
  (say (exit-signal))
  (ext:quit (+ 128 (exit-signal))))

(define-way signal-by-hand
  (say-method-status)
  (exit-by-signal +usr1+))

;; The process that asks is not the first one.
(define-way signal-in-a-process
  (exit-handler-register (saying 'handler))
  (mp:process-join (mp:process-run-function "asks" #'end-by +term+)))

(funcall (gethash (ext:getenv "GCWEAK_HOW") *ways*))
