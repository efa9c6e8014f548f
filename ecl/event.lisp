;;;; event.lisp: events, and the listeners of events and hubs.
;;;;
;;;; An emission is a loop of Lisp's: the library says which listener is the
;;;; next one.  The arguments never go through the library.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

(define-handle event
  "Calls its listeners when it is emitted, and keeps none of their objects
alive."
  (name nil :read-only t)
  (error-handler nil))

(defun event-name (event)
  "Returns the name that EVENT was made with, or NIL."
  (%event-name event))

(defmethod handle-name ((event event))
  (event-name event))

(defun event-error-handler (event)
  "Returns the function that hears of listeners of EVENT that signal an error,
with the listener and the condition; or NIL: then the error goes to who emits.
Can be set with SETF."
  (%event-error-handler event))

(defun (setf event-error-handler) (function event)
  (setf (%event-error-handler event) function))

(define-handle listener
  "A connection to an event or to a hub.")

(deftype callee ()
  "What can be connected."
  '(or weak-method (and (or function symbol) (not null))))

(defun connect-flags (once unique front)
  (logior (if once 1 0) (if unique 2 0) (if front 4 0)))

;;; Listeners.

(defun listener= (a b)
  "Returns true if A and B are the same connection."
  (check-type a listener)
  (check-type b listener)
  (ffi:c-inline ((handle-pointer a) (handle-pointer b))
      (:pointer-void :pointer-void) :bool "#0 == #1" :one-liner t))

(defun listener-connected-p (listener)
  "Returns true if LISTENER is connected: neither disconnected nor dead."
  (check-type listener listener)
  (values (library-call :bool "gcw_listener_connected(#0)"
                        (:handle listener))))

(defun listener-disconnect (listener)
  "Disconnects LISTENER.  Returns true, or NIL if it was not connected any
more."
  (check-type listener listener)
  (values (library-call :bool "gcw_listener_disconnect(#0)"
                        (:handle listener))))

(defun listener-block (listener)
  "Has emissions pass LISTENER over, until LISTENER-UNBLOCK was called as often
as this."
  (check-type listener listener)
  (checked-call (listener-block plusp listener)
      :int "(gcw_listener_block(#0), errno != 0)" (:handle listener))
  (values))

(defun listener-unblock (listener)
  "Takes back one LISTENER-BLOCK."
  (check-type listener listener)
  (checked-call (listener-unblock plusp listener)
      :int "(gcw_listener_unblock(#0), errno != 0)" (:handle listener))
  (values))

;;; Events.

(defun make-event (&optional name)
  "Returns an event without listeners.  NAME is shown when it is printed."
  (wrap-event (checked-call (make-event null)
                  :pointer "gcw_event_new(gcwe_name(#0))"
                  (:object (and name (princ-to-string name))))
              name))

(defun event-connect (event callee &key once unique front)
  "Connects CALLEE to EVENT and returns a listener.  CALLEE is a weak method, or
a function or its name, which is held strongly.  With ONCE it is disconnected
before its first call; with UNIQUE the listener of an equal one is returned, if
there is one; with FRONT it comes before the others."
  (check-type event event)
  (check-type callee callee)
  (let ((flags (connect-flags once unique front)))
    (wrap-listener
     (if (weak-method-p callee)
         (checked-call (event-connect null callee)
             :pointer "gcw_event_connect(#0, #1, #2)"
             (:handle event) (:handle callee) (:unsigned-int flags))
         (checked-call (event-connect null event)
             :pointer "gcw_event_connect_fn(#0, gcwe_listener, #1, #2)"
             (:handle event) (:object callee) (:unsigned-int flags))))))

(defun event-disconnect (event callee)
  "Disconnects all listeners of EVENT with a method equal to CALLEE, or with
this function.  Returns how many."
  (check-type event event)
  (check-type callee callee)
  (values
   (if (weak-method-p callee)
       (library-call :unsigned-long "gcw_event_disconnect(#0, #1)"
                     (:handle event) (:handle callee))
       (library-call :unsigned-long
                     "gcw_event_disconnect_fn(#0, gcwe_listener, #1)"
                     (:handle event) (:object callee)))))

(defun event-count (event)
  "Returns how many listeners are connected to EVENT, without those that are
known to be dead."
  (check-type event event)
  (values (library-call :unsigned-long "gcw_event_count(#0)"
                        (:handle event))))

(defun step-listener (step)
  "Returns the listener whose turn it is."
  (wrap-listener (ffi:c-inline (step) (:pointer-void) :object
                     "gcwe_wrap(((gcw_call *)#0)->handle)" :one-liner t)))

(defun listener-failed (handler step)
  "Returns what is to hear of errors in an emission: HANDLER gets the listener
too."
  (and handler
       (lambda (condition)
         (funcall handler (step-listener step) condition)
         t)))

(defun event-emit (event &rest arguments)
  "Calls the listeners of EVENT in order: a method as (FUNCTION OBJECT ARGUMENT
...), a function without the object.  Returns how many were called.

An error in one goes to the error handler of EVENT, or else to the caller, who
may have the next one called by the restarts CONTINUE and NEXT-CALLBACK.
Anything may leave a listener: the emission is over then."
  (check-type event event)
  (let ((step (new-step "gcw_event_step")))
    (do-callbacks (function self
                   (next-call "gcw_event_step"
                              "gcw_event_first(#1, NULL, step)"
                              (:pointer-void step) (:handle event))
                   (next-call "gcw_event_step" "gcw_event_next(step)"
                              (:pointer-void step))
                   (listener-failed (event-error-handler event) step))
      (if self
          (apply function self arguments)
          (apply function arguments)))))
