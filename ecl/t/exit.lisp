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

(define-way c-exit-function
  (exit-handler-register #'say-status)
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

;;; Levels.

(define-way levels
  (dolist (level '(:first -1 :last 2 0))
    (exit-handler-register (saying level) :level level))
  (exit-handler-register (saying "newest of 0")))

(defun levels-of (registry)
  (mapcar (lambda (handler) (getf handler :level))
          (exit-registry-handlers registry)))

(define-way levels-of-a-run
  (let ((registry (make-exit-registry)))
    (flet ((add (level function)
             (exit-handler-register function :registry registry :level level)))
      (add :last (saying 'last))
      (add 0 (lambda ()
               (say 'zero)
               (add -1 (saying 'below))
               (add 1 (saying 'above))))
      (add 3 (saying 'three))
      (say (levels-of registry))
      (exit-registry-run registry))))

;;; Many at once.

(defun called (self)
  (say 'called self))

(defun say-called ()
  (say 'function))

(defvar *other* (list 'other))

(define-way take-off
  (let ((registry (make-exit-registry)) (function (saying 'closure)))
    (flet ((add (callee) (exit-handler-register callee :registry registry)))
      (mapc #'add (list function 'say-called (make-weak-method *kept* 'called)
                        (make-weak-method *other* 'called) function
                        (make-weak-method *kept* 'called)
                        (make-weak-method *kept* #'say)))
      (exit-handler-register function)
      (exit-handler-register 'say-called)
      (exit-handler-register (make-weak-method *kept* 'called))
      (say (exit-unregister-callee function registry)
           (exit-unregister-callee function registry)
           (exit-unregister-callee (make-weak-method *kept* 'called) registry))
      (say (length (exit-registry-handlers registry)))
      (say (exit-unregister-object *kept* registry)
           (exit-unregister-object *kept* registry))
      (say (exit-registry-run registry))
      (let ((dead (make-weak-method *other* 'called)))
        (dispose *other*)
        (say (exit-unregister-callee dead registry)))
      (say (exit-unregister-callee function)
           (exit-unregister-object *kept*) (exit-unregister-object *kept*)))))

(define-way clear
  (let ((registry (make-exit-registry)))
    (exit-handler-register (saying 'stays) :registry registry)
    (exit-handler-register #'say-status)
    (exit-handler-register (saying 'b))
    (say (exit-registry-clear) (exit-registry-clear))
    (exit-handler-register (saying "used on"))
    (exit-registry-run registry)
    (exit-handler-register #'say-status :registry registry)
    (say (exit-registry-clear registry) (exit-registry-run registry))))

(define-way clear-within
  (exit-handler-register (saying 'a))
  (exit-handler-register (lambda () (say (exit-registry-clear))))
  (ext:quit 3))

(defun show ()
  (dolist (handler (exit-registry-handlers))
    (say (getf handler :name) (getf handler :level) (getf handler :running))))

(defparameter *umlaut* (map 'string #'code-char '(252 8364 128512)))

(define-way handlers
  (exit-handler-register #'show :name "given" :keep t)
  (exit-handler-register 'say-status :level 2)
  (exit-handler-register (saying 'unnamed))
  (exit-handler-register (make-weak-method *kept* 'called))
  (show)
  (say (exit-handler-unregister
        (getf (first (last (exit-registry-handlers))) :handler)))
  (say (exit-registry-clear))
  (exit-handler-register #'show :name "given" :keep t)
  (exit-handler-register #'show :name *umlaut*)
  (say (string= (getf (first (exit-registry-handlers)) :name) *umlaut*))
  (exit-registry-clear)
  (exit-handler-register #'show :name "given" :keep t))

(define-way age
  (let ((registry (make-exit-registry)))
    (flet ((age () (getf (first (exit-registry-handlers registry)) :age)))
      (exit-handler-register #'list :registry registry)
      (let ((before (age)))
        (ext:gc t)
        (ext:gc t)
        (say (>= (- (age) before) 2))))))

(define-way handlers-of-c
  (si:call-cfun (si:find-foreign-symbol "gcw_atexit" :default :pointer-void 0)
                :int '(:pointer-void)
                (list (si:find-foreign-symbol "sync" :default :pointer-void 0)))
  (say (first (exit-registry-handlers))))

;;; Limits.

(defun hang ()
  (say 'hangs)
  (sleep 60)
  (say "NOT STOPPED"))

(define-way limit-of-handler
  (exit-handler-register (saying "NOT REACHED"))
  (exit-handler-register 'hang :limit 300)
  (exit-handler-register (saying "in time") :limit 60000)
  (ext:quit 3))

(define-way limit-of-exit
  (set-exit-limit nil 300)
  (exit-handler-register #'hang :name "sticks")
  (ext:quit 4))

(define-way limit-of-c-exit
  (set-exit-limit nil 300)
  (exit-handler-register #'hang)
  (c-exit "exit" 5))

(defun hang-by-method (self)
  (declare (ignore self))
  (hang))

(define-way limit-of-run
  (let ((registry (make-exit-registry)))
    (exit-handler-register (make-weak-method *kept* #'hang-by-method)
                           :registry registry)
    (set-exit-limit registry 300)
    (exit-registry-run registry 6)
    (say "NOT REACHED")))

(define-way limit-of-handler-in-run
  (let ((registry (make-exit-registry)))
    (exit-handler-register 'hang :registry registry :limit 300)
    (exit-registry-run registry 7)
    (say "NOT REACHED")))

(define-way limit-aborts
  (set-exit-limit nil 300 :abort t)
  (exit-handler-register 'hang))

(define-way limit-taken-back
  (let ((registry (make-exit-registry)))
    (flet ((add (limit)
             (exit-handler-register (lambda () (sleep 1/10) (say 'slow))
                                    :registry registry :limit limit)))
      (set-exit-limit registry 20)
      (set-exit-limit registry nil)
      (add nil)
      (add 0)
      (say (exit-registry-run registry)))))

;; The library calls; nothing leaves a handler.
(define-way limited-run
  (let ((registry (make-exit-registry)))
    (flet ((add (function)
             (exit-handler-register function :registry registry)))
      (set-exit-limit registry 60000)
      (setf *failure-handler* (lambda (function condition)
                                (declare (ignore function))
                                (say 'failed condition)))
      (add (lambda () (say 'last *exit-status*)))
      (add #'no-luck)
      (add (lambda ()
             (setf (exit-registry-error-handler registry) nil)))
      (add #'no-luck)
      (add (lambda () (throw 'out 'thrown)))
      (add (make-weak-method *kept* (lambda (self)
                                      (declare (ignore self))
                                      (say 'inside *exit-status*))))
      (setf (exit-registry-error-handler registry)
            (lambda (handler condition)
              (say (exit-handler-p handler) condition)))
      (say (catch 'out (exit-registry-run registry 8)))
      (say (exit-registry-run registry) *exit-status*))))

(define-way limited-rest
  (let ((registry (make-exit-registry)))
    (flet ((add (function)
             (exit-handler-register function :registry registry)))
      (set-exit-limit registry 60000)
      (add (lambda () (say 'a *exit-status*)))
      (add (lambda ()
             (say 'rest (exit-registry-run registry 9))
             (say 'outer *exit-status*)))
      (say (exit-registry-run registry 2)))))

;; Its status is its own.
(define-way limited-after-shutdown
  (let ((registry (make-exit-registry)))
    (exit-handler-register #'say-status)
    (exit-handler-register #'say-status :registry registry :limit 60000)
    (shutdown 9)
    (say (exit-registry-run registry))))

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
  (let ((called (mp:make-semaphore)))
    (ext:set-signal-handler +int+ (lambda (&rest unused)
                                    (declare (ignore unused))
                                    (mp:signal-semaphore called)))
    (say (refusal #'exit-on-signal +int+))
    (exit-signal-file-descriptor)
    (say (exit-on-signal +int+ :chain t))
    (c-int "raise" +int+)
    (mp:wait-on-semaphore called)
    (exit-by-signal)))

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
