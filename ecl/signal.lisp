;;;; signal.lisp: signals that lead to (ext:quit).
;;;;
;;;; A thread of the C half waits until one has come, and interrupts the process
;;;; that asked, which quits: what it is in the middle of is unwound.  One that
;;;; takes no interrupts is not waited for longer than a second: then the exit
;;;; begins on the thread that waits.  Who claims it first does it.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

(defvar *signal-lock* (mp:make-lock :name "gcweak signals"))

(defvar *asker* nil
  "The process that asked first, which quits.")

(defun claim-exit ()
  "Returns true if nobody else exits."
  (ffi:c-inline () () :bool "gcwe_claim_exit()" :one-liner t))

(defun exit-signal ()
  "Returns the number of the signal that has come, the first one, or NIL."
  (let ((came (ffi:c-inline () () :int "gcw_exit_signal()" :one-liner t)))
    (if (zerop came) nil came)))

;; EXT:QUIT interrupts all processes, and fails if one ends just then: so the
;; thread that has had us quit, which is one for a moment, must be none.
(defun quit-as-asked ()
  (when (claim-exit)
    (ffi:c-inline () () :void "gcwe_await_release()" :one-liner t)
    (ext:quit (+ 128 (exit-signal)))))

(defun have-it-quit ()
  "Is called when a signal has come."
  (ignore-errors (mp:interrupt-process *asker* #'quit-as-asked)))

(defun await-signals ()
  (mp:with-lock (*signal-lock*)
    (unless (member *asker* (mp:all-processes))
      (setf *asker* mp:*current-process*))
    (checked-call (exit-on-signal minusp) :int "gcwe_await_signals()")))

(defun exit-on-signal (signal &key chain force)
  "Has the signal of that number lead to EXT:QUIT, in the process that asks first;
then the program dies by the signal.  A second one ends it at once.  Returns true,
or NIL if the signal is ignored, and stays so.  With CHAIN a handler that there is
is called first; with FORCE it is not ignored."
  (check-type signal (signed-byte 32))
  (await-signals)
  (zerop (checked-call (exit-on-signal minusp) :int
             "gcw_exit_on_signal(#0, (#1 ? GCW_SIGNAL_CHAIN : 0)
                                     | (#2 ? GCW_SIGNAL_FORCE : 0))"
             (:int signal) (:bool chain) (:bool force))))

(defun exit-off-signal (signal)
  "Takes back what EXIT-ON-SIGNAL did.  Returns NIL if it was not asked for."
  (check-type signal (signed-byte 32))
  (multiple-value-bind (result number)
      (library-call :int "gcw_exit_off_signal(#0)" (:int signal))
    (cond ((zerop result) t)
          ((eql number (ffi:c-inline () () :int "ENOENT" :one-liner t)) nil)
          (t (fail 'exit-off-signal number)))))

(defun exit-signal-file-descriptor ()
  "Returns the number of a file descriptor that is readable once a signal has
come.  Do not read it nor close it.  From now on the program quits by itself."
  (checked-call (exit-signal-file-descriptor minusp) :int "gcwe_signal_fd()"))

(defun exit-by-signal (&optional (signal 0))
  "Exits as C does, in any process; then the program dies by the signal of that
number.  Without one it is the signal that has come, or SIGTERM."
  (check-type signal (signed-byte 32))
  (ffi:c-inline (signal) (:int) :void "gcw_exit_by_signal(#0);"))
