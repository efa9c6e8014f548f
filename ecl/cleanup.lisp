;;;; cleanup.lisp: cleanups, and the drain, which runs what has become pending.
;;;;
;;;; A callback is a Lisp function without arguments: the data of the library's
;;;; cleanup.  Lisp takes the next that is pending with interrupts off, then
;;;; calls it with interrupts on.  An interrupt that leaves before the callback
;;;; has begun puts it back: into *TAKEN*, for the library has no way to take it
;;;; back.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

;;; Cleanups.

(define-handle cleanup
  "A call that is made once, when an object has died."
  callback)

(defun make-cleanup (object function &rest arguments)
  "Calls (FUNCTION ARGUMENT ...) once when OBJECT dies, where somebody drains,
or at exit; and returns a cleanup, which need not be kept.  Neither FUNCTION nor
the arguments may lead to OBJECT, which could never die then."
  (check-function function)
  (check-collectable 'make-cleanup object)
  (let ((callback (if arguments
                      (lambda () (apply function arguments))
                      function)))
    (wrap-cleanup
     (checked-call (make-cleanup null object)
         :pointer "gcw_cleanup_new(#0, gcwe_function, #1)"
         (:object object) (:object callback))
     callback)))

(defun weak-method-on-death (method function)
  "Calls (FUNCTION METHOD) once when the weak method METHOD dies, and returns a
cleanup.  Signals DEAD-OBJECT if it is dead already."
  (check-type method weak-method)
  (check-function function)
  (let ((callback (lambda () (funcall function method))))
    (wrap-cleanup
     (checked-call (weak-method-on-death null method)
         :pointer "gcw_method_on_death(#0, gcwe_death, #1)"
         (:handle method) (:object callback))
     callback)))

(defun cleanup-alive-p (cleanup)
  "Returns true if CLEANUP has still to run."
  (check-type cleanup cleanup)
  (values (library-call :bool "gcw_cleanup_alive(#0)" (:handle cleanup))))

(defun cleanup-target (cleanup)
  "Returns the object of CLEANUP, or NIL if that is dead or CLEANUP is done."
  (check-type cleanup cleanup)
  (values (library-call :object "gcwe_value_or_nil(gcw_cleanup_peek(#0))"
                        (:handle cleanup))))

(defun cleanup-detach (cleanup)
  "Takes CLEANUP off: it will not run.  Returns true, or NIL if it was too
late."
  (check-type cleanup cleanup)
  (let ((detached (library-call :bool "gcw_cleanup_detach(#0)"
                                (:handle cleanup))))
    (when detached
      (setf (%cleanup-callback cleanup) nil))
    detached))

(defun cleanup-run (cleanup)
  "Runs CLEANUP now.  Returns true, or NIL if it had run or was detached."
  (check-type cleanup cleanup)
  (let ((callback (%cleanup-callback cleanup)))
    (when (cleanup-detach cleanup)
      (funcall callback)
      t)))

(defun cleanup-at-exit-p (cleanup)
  "Returns true if CLEANUP runs at exit, should its object live until then.
Can be set with SETF."
  (check-type cleanup cleanup)
  (values (library-call :bool "gcw_cleanup_atexit(#0)" (:handle cleanup))))

(defun (setf cleanup-at-exit-p) (at-exit cleanup)
  (check-type cleanup cleanup)
  (checked-call (cleanup-at-exit-p minusp cleanup)
      :int "gcw_cleanup_set_atexit(#0, #1)" (:handle cleanup) (:bool at-exit))
  at-exit)

;;; Deaths.

(defun dispose (object)
  "Ends the life of OBJECT for everything weak, now: references read NIL,
methods are dead, and its cleanups are pending.  OBJECT may be a handle: then
what it stands for is emptied for good."
  (if (handle-p object)
      (checked-call (dispose minusp object)
          :int "gcw_dispose(#0)" (:handle object))
      (progn
        (check-collectable 'dispose object)
        (checked-call (dispose minusp object)
            :int "gcw_dispose(#0)" (:object object))))
  (values))

;;; Draining.

(defvar *taken* '()
  "Callbacks that were taken from the library and not called.")

(defun take-callback ()
  "Returns the next callback that is pending, or NIL.  Interrupts are off."
  (or (mp:atomic-pop *taken*)
      (multiple-value-bind (found ours function call)
          (ffi:c-inline () () (values :bool :bool :object :object)
              "{ gcw_call call;
                 bool found = gcw_drain_next(&call);
                 cl_object f = found ? gcwe_call_function(&call) : ECL_NIL;
                 @(return 0) = found;
                 @(return 1) = f != ECL_NIL;
                 @(return 2) = f;
                 @(return 3) = found && f == ECL_NIL
                     ? gcwe_copy_call(&call) : ECL_NIL; }")
        (cond ((not found) nil)
              (ours function)
              (t (foreign-callback call))))))

(defun foreign-callback (call)
  "Returns a function that makes a call which is not ours."
  (lambda ()
    (library-call :object "(gcw_call_invoke(#0), ECL_NIL)"
                  (:pointer-void call))))

(defun call-next-callback ()
  "Calls the next callback that is pending, if there is one.  Returns whether
there was."
  (mp:without-interrupts
    (let ((callback (take-callback)) (begun nil))
      (when callback
        (unwind-protect
             (mp:with-local-interrupts
               (setf begun t)
               (funcall callback))
          (unless begun
            (mp:atomic-push callback *taken*)))
        t))))

(defun drain (&optional max)
  "Runs the callbacks of deaths that are pending, at most MAX if that is given,
and returns how many.  It does not collect.  An error in one goes to the caller;
the restarts CONTINUE and NEXT-CALLBACK go on with the next."
  (check-type max (or null (integer 0)))
  (let ((count 0))
    (loop
      (when (and max (>= count max))
        (return count))
      (unless (let ((called t))
                (with-next-callback
                  (setf called (call-next-callback)))
                called)
        (return count))
      (incf count))))

(defun collect ()
  "Collects, then drains, and returns how many callbacks ran.  It takes the time
of a full collection: for tests, and where what is dead shall be gone."
  (ext:gc t)
  (drain))

;;; Failures with nobody to handle them.

(defun report-failure (callback condition)
  "Writes on *ERROR-OUTPUT* that a callback has failed."
  (ignore-errors
   (format *error-output* "~&gcweak: ~A failed: ~A~%" callback condition)
   (finish-output *error-output*)))

(defvar *failure-handler* 'report-failure
  "What is called with a callback that fails where nobody can handle it, in the
drain's process and at exit, and the condition.  What fails in it is ignored.")

(defun call-telling (tell function &rest arguments)
  "Calls FUNCTION; an error in it goes to TELL, a function of the condition."
  (block nil
    (handler-bind ((error (lambda (condition)
                            (ignore-errors (funcall tell condition))
                            (return))))
      (apply function arguments))))

(defun tell-failure-handler (function)
  "Returns a function that tells *FAILURE-HANDLER* of an error in FUNCTION."
  (lambda (condition) (funcall *failure-handler* function condition)))

(defun call-reporting (function &rest arguments)
  "Calls FUNCTION; an error in it goes to *FAILURE-HANDLER*."
  (apply #'call-telling (tell-failure-handler function) function arguments))

;;; Draining in a process of its own.

(defun pending-state ()
  "Returns 1 if a callback is pending, 0 if not, -1 if none comes any more."
  (if *taken*
      1
      (multiple-value-bind (state number)
          (library-call :int "gcw_drain_wait(0)")
        (if (and (minusp state)
                 (/= number (ffi:c-inline () () :int "ESHUTDOWN"
                                          :one-liner t)))
            (fail 'drain-wait number)
            state))))

(defun milliseconds-until (deadline)
  "Returns how long that is, for gcwe_poll; -1 for NIL, which is for ever."
  (if deadline
      (min (max 0 (ceiling (* 1000 (- deadline (get-internal-real-time)))
                           internal-time-units-per-second))
           1000000)
      -1))

(defun drain-wait (&optional timeout)
  "Waits until a callback is pending, at most TIMEOUT seconds if that is given.
Returns true if one is, NIL if the time is over, :SHUTDOWN if none comes any
more.  Interrupts are taken meanwhile."
  (check-type timeout (or null (real 0)))
  (let ((deadline (and timeout
                       (+ (get-internal-real-time)
                          (* timeout internal-time-units-per-second))))
        (descriptor (checked-call (drain-wait minusp) :int "gcw_drain_fd()")))
    (loop
      (case (pending-state)
        (1 (return t))
        (-1 (return :shutdown)))
      (let ((milliseconds (milliseconds-until deadline)))
        (when (eql milliseconds 0)
          (return nil))
        (ffi:c-inline (descriptor milliseconds) (:int :int) :void
            "gcwe_poll(#0, #1)" :one-liner t)))))

(defvar *drain-process* nil
  "The process that drains, or NIL.")

(defvar *drain-process-lock* (mp:make-lock :name "gcweak drain process"))

(defvar *waiting* nil
  "Whether this process is the drain's, and waits.")

(defvar *stop* nil
  "Whether the drain's process is to end.")

(defun wait-unless-stopped ()
  "Waits for callbacks.  Returns true when the process is to end.  Whoever sets
*STOP* interrupts the process after that: if it comes before *WAITING* is true,
*STOP* is seen; if later, the wait is left."
  (catch 'stop
    (let ((*waiting* t))
      (or *stop* (eq (drain-wait) :shutdown)))))

(defun drain-reporting ()
  "Drains; errors go to *FAILURE-HANDLER*."
  (loop while (call-reporting-next)))

(defun call-reporting-next ()
  (let ((called t))
    (call-reporting (lambda () (setf called (call-next-callback))))
    called))

(defun drain-for-ever ()
  (loop until (wait-unless-stopped)
        do (drain-reporting)))

;; A process that has just ended is still active to ECL.
(defun drain-process-alive-p ()
  (and *drain-process* (member *drain-process* (mp:all-processes))))

(defun start-drain-process ()
  "Starts a Lisp process that runs callbacks as they become pending, unless
there is one, and returns it."
  (mp:with-lock (*drain-process-lock*)
    (if (drain-process-alive-p)
        *drain-process*
        (setf *stop* nil
              *drain-process* (mp:process-run-function "gcweak drain"
                                                       'drain-for-ever)))))

(defun stop-drain-process ()
  "Has the process that START-DRAIN-PROCESS started end, after the callbacks
that it is running, and waits for that.  Not to be called by a callback in it."
  (mp:with-lock (*drain-process-lock*)
    (when (drain-process-alive-p)
      (setf *stop* t)
      (ignore-errors
       (mp:interrupt-process *drain-process*
                             (lambda () (when *waiting* (throw 'stop t)))))
      (mp:process-join *drain-process*))
    (setf *drain-process* nil))
  (values))
