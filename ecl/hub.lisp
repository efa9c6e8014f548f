;;;; hub.lisp: hubs, and what is posted to them.
;;;;
;;;; A listener is called with the type as the emitter gave it, the source, and
;;;; the other arguments.  What is posted is the list of these.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

(define-handle hub
  "Stands between those who have something to tell and those who want to hear of
it."
  (error-handler nil))

(defun hub-error-handler (hub)
  "Returns the function that hears of listeners of HUB that signal an error,
with the listener and the condition; or NIL: then the error goes to who emits or
dispatches.  Can be set with SETF."
  (%hub-error-handler hub))

(defun (setf hub-error-handler) (function hub)
  (setf (%hub-error-handler hub) function))

(deftype event-type ()
  "What is told to a hub; NIL stands for any."
  '(or symbol string))

(defun type-name (type)
  "Returns the name of TYPE, by which types are compared, or NIL."
  (and type (string type)))

(defun make-hub ()
  "Returns a hub without listeners."
  (wrap-hub (checked-call (make-hub null) :pointer "gcw_hub_new()")))

(defun hub-connect (hub type source callee &key once front)
  "Connects CALLEE to HUB and returns a listener.  It hears of what has this
TYPE, a symbol or a string, and this SOURCE, an object that is held weakly; NIL
stands for any.  A weak method is called as (FUNCTION OBJECT TYPE SOURCE
ARGUMENT ...), a function without the object.  An equal one is connected only
once to the same type and source.  ONCE and FRONT are as for EVENT-CONNECT.
CALLEE must not lead to SOURCE, unless as the object of a method."
  (check-type hub hub)
  (check-type type event-type)
  (check-type callee callee)
  (when source
    (check-collectable 'hub-connect source))
  (let ((name (type-name type)) (flags (connect-flags once nil front)))
    (wrap-listener
     (if (weak-method-p callee)
         (checked-call (hub-connect null callee)
             :pointer "gcw_hub_connect(#0, gcwe_name(#1),
                                       gcwe_object_or_null(#2), #3, #4)"
             (:handle hub) (:object name) (:object source) (:handle callee)
             (:unsigned-int flags))
         (checked-call (hub-connect null hub)
             :pointer "gcw_hub_connect_fn(#0, gcwe_name(#1),
                                          gcwe_object_or_null(#2),
                                          gcwe_hub_listener, #3, #4)"
             (:handle hub) (:object name) (:object source) (:object callee)
             (:unsigned-int flags))))))

(defun hub-disconnect (hub type source callee)
  "Disconnects CALLEE from this TYPE and SOURCE, where NIL is what was connected
to any.  Returns whether it was connected."
  (check-type hub hub)
  (check-type type event-type)
  (check-type callee callee)
  (let ((name (type-name type)))
    (values
     (if (weak-method-p callee)
         (library-call :bool "gcw_hub_disconnect(#0, gcwe_name(#1),
                                                 gcwe_object_or_null(#2), #3)"
                       (:handle hub) (:object name) (:object source)
                       (:handle callee))
         (library-call :bool "gcw_hub_disconnect_fn(#0, gcwe_name(#1),
                                                    gcwe_object_or_null(#2),
                                                    gcwe_hub_listener, #3)"
                       (:handle hub) (:object name) (:object source)
                       (:object callee))))))

(defun hub-emit (hub type source &rest arguments)
  "Calls all listeners of HUB that fit, in the order in which they were
connected, each once.  Returns how many.  Errors and other ways out are as with
EVENT-EMIT."
  (check-type hub hub)
  (check-type type event-type)
  (let ((step (new-step "gcw_hub_step")) (name (type-name type)))
    (do-callbacks (function self
                   (next-call "gcw_hub_step"
                              "gcw_hub_first(#1, gcwe_name(#2),
                                             gcwe_object_or_null(#3), NULL,
                                             step)"
                              (:pointer-void step) (:handle hub)
                              (:object name) (:object source))
                   (next-call "gcw_hub_step" "gcw_hub_next(step)"
                              (:pointer-void step))
                   (listener-failed (hub-error-handler hub) step))
      (if self
          (apply function self type source arguments)
          (apply function type source arguments)))))

(defun hub-post (hub type source &rest arguments)
  "Leaves an emission for HUB-DISPATCH.  Any process may post."
  (check-type hub hub)
  (check-type type event-type)
  (checked-call (hub-post minusp hub)
      :int "gcw_hub_post(#0, gcwe_name(#1), gcwe_object_or_null(#2), #3)"
      (:handle hub) (:object (type-name type)) (:object source)
      (:object (list* type source arguments)))
  (values))

(defun hub-dispatch (hub &optional max)
  "Makes the emissions that were posted to HUB, oldest first, in this process, at
most MAX if that is given; what is posted meanwhile waits for the next time.
Returns how many listeners were called.  Errors and other ways out are as with
EVENT-EMIT: the emission is over then, those behind it wait."
  (check-type hub hub)
  (check-type max (or null (integer 1 #.most-positive-fixnum)))
  (let ((step (new-step "gcw_hub_step")) (limit (or max 0)))
    (do-callbacks (function self
                   (next-call "gcw_hub_step"
                              "gcw_hub_dispatch_first(#1, #2, step)"
                              (:pointer-void step) (:handle hub)
                              (:unsigned-long limit))
                   (next-call "gcw_hub_step" "gcw_hub_dispatch_next(step)"
                              (:pointer-void step))
                   (listener-failed (hub-error-handler hub) step))
      (let ((posted (ffi:c-inline (step) (:pointer-void) :object
                        "gcwe_posted(#0)" :one-liner t)))
        (if self
            (apply function self posted)
            (apply function posted))))))

(defun hub-file-descriptor (hub)
  "Returns the number of a file descriptor that is readable while something was
posted to HUB and not dispatched.  Do not read it nor close it.  It is closed
when the hub is collected."
  (check-type hub hub)
  (checked-call (hub-file-descriptor minusp hub)
      :int "gcw_hub_fd(#0)" (:handle hub)))

(defun hub-size (hub)
  "Returns how many listeners, patterns and types HUB has, how many emissions
are posted, and the bytes of it all, as a property list."
  (check-type hub hub)
  (multiple-value-bind (listeners patterns types posted bytes)
      (mp:without-interrupts
        (ffi:c-inline ((handle-pointer hub)) (:pointer-void)
            (values :unsigned-long :unsigned-long :unsigned-long :unsigned-long
                    :unsigned-long)
            "{ gcw_hub_size size = { 0 };
               gcw_hub_measure(#0, &size);
               @(return 0) = size.listeners;
               @(return 1) = size.patterns;
               @(return 2) = size.types;
               @(return 3) = size.posted;
               @(return 4) = size.bytes; }"))
    (list :listeners listeners :patterns patterns :types types
          :posted posted :bytes bytes)))
