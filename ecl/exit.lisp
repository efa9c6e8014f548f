;;;; exit.lisp: exit handlers, and what happens when ECL quits.
;;;;
;;;; ECL takes itself down before it calls exit: it closes all libraries that it
;;;; has loaded.  So what happens at exit happens in one of its exit hooks,
;;;; while Lisp still works.  It is the library that calls then, through
;;;; CALL-AT-EXIT, which nothing leaves.  A program that ends by C's exit, and
;;;; not by EXT:QUIT, comes there too.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

(defvar *exit-status* 0
  "In an exit handler, the status with which the process or its registry ends.")

(define-handle exit-registry
  "Has handlers, and runs them when told, last registered first."
  (name nil :read-only t)
  (error-handler nil))

(defmethod handle-name ((registry exit-registry))
  (%exit-registry-name registry))

(defun exit-registry-error-handler (registry)
  "Returns the function that hears of handlers of REGISTRY that signal an error,
with the handler and the condition; or NIL: then the error goes to who runs it.
Can be set with SETF."
  (%exit-registry-error-handler registry))

(defun (setf exit-registry-error-handler) (function registry)
  (setf (%exit-registry-error-handler registry) function))

(define-handle exit-handler
  "What runs at the exit, or with its registry.")

(defun make-exit-registry (&optional name)
  "Returns a registry that runs when told, and not at exit.  NAME is shown when
it is printed."
  (wrap-exit-registry
   (checked-call (make-exit-registry null)
       :pointer "gcw_exit_registry_new(gcwe_name(#0))"
       (:object (and name (princ-to-string name))))
   name))

(defun registry-pointer (registry)
  "Returns the pointer of REGISTRY; of the default one for NIL."
  (if registry
      (handle-pointer registry)
      (checked-call (exit-handler-register null)
          :pointer "gcw_exit_default()")))

(defmacro register (operation object code &rest arguments)
  "Registers with CODE, which has the options as &o."
  `(wrap-exit-handler
    (checked-call (,operation null ,object)
        :pointer
        ,(format nil "({ gcw_exit_options o; gcw_exit_options_init(&o); ~
                      o.name = gcwe_name(#0); o.keep = #1; ~
                      o.inherit = #2; ~A; })" code)
        ,@arguments)))

(defun exit-handler-register (callee &key registry name keep inherit)
  "Registers CALLEE to run at exit, or with REGISTRY, and returns a handler,
which need not be kept.  A weak method is called as (FUNCTION OBJECT), if its
object is alive then; a function, or its name, without arguments.  *EXIT-STATUS*
has the status.  NAME is for reports.  With KEEP it stays for the next run; with
INHERIT it runs in forked children too."
  (check-type callee callee)
  (check-type registry (or null exit-registry))
  (let ((pointer (registry-pointer registry))
        (text (and name (princ-to-string name))))
    (if (weak-method-p callee)
        (register-method callee pointer text keep inherit)
        (register exit-handler-register registry
                  "gcw_exit_register_fn(#3, gcwe_function, #4, &o)"
                  (:object text) (:bool keep) (:bool inherit)
                  (:pointer-void pointer) (:object callee)))))

(defun register-method (method pointer text keep inherit)
  "Registers a method with the parts of METHOD, which is told the status."
  (multiple-value-bind (function self) (bind method)
    (unless function
      (dead 'exit-handler-register method))
    (register exit-handler-register method
              "gcw_exit_register(#3, #6
                                 ? gcw_method_new_weak(#4, gcwe_exit_method, #5)
                                 : gcw_method_new(#4, gcwe_exit_method, #5),
                                 &o)"
              (:object text) (:bool keep) (:bool inherit)
              (:pointer-void pointer) (:object self) (:object function)
              (:bool (%weak-method-weak-function method)))))

(defun exit-handler-unregister (handler)
  "Takes HANDLER off.  Returns :REMOVED; :RUNNING if it is running at exit; or
:GONE if it has run, was taken off before, or is dead."
  (check-type handler exit-handler)
  (ecase (checked-call (exit-handler-unregister minusp handler)
             :int "gcw_exit_unregister(#0)" (:handle handler))
    (0 :removed)
    (1 :running)
    (2 :gone)))

(defun step-handler (step)
  "Returns the exit handler whose turn it is."
  (wrap-exit-handler (ffi:c-inline (step) (:pointer-void) :object
                         "gcwe_wrap(((gcw_call *)#0)->handle)" :one-liner t)))

(defun exit-registry-run (registry &optional (status 0))
  "Runs the handlers of REGISTRY, last registered first; *EXIT-STATUS* is STATUS
meanwhile.  Returns how many ran.  An error in one goes to the error handler of
REGISTRY, or else to the caller, as with EVENT-EMIT.  Anything may leave a
handler; what has not run stays registered."
  (check-type registry exit-registry)
  (check-type status (signed-byte 32))
  (let ((step (new-step "gcw_exit_step"))
        (handler (exit-registry-error-handler registry))
        (*exit-status* status))
    (do-callbacks (function self
                   (next-call "gcw_exit_step" "gcw_exit_first(#1, #2, step)"
                              (:pointer-void step) (:handle registry)
                              (:int status))
                   (next-call "gcw_exit_step" "gcw_exit_next(step)"
                              (:pointer-void step))
                   (and handler
                        (lambda (condition)
                          (funcall handler (step-handler step) condition)
                          t)))
      (if self
          (funcall function self)
          (funcall function)))))

;;; Exit.

(defvar *shutdown-status* 0
  "The status that SHUTDOWN was called with.")

(defun call-at-exit (function self status)
  "Calls FUNCTION, with SELF unless that is NIL, out of frames of the library,
with interrupts on.  Errors go to *FAILURE-HANDLER*; who called this catches
what else leaves it."
  (let ((si:*allow-with-interrupts* t)
        (ext:*interrupts-enabled* t)
        (*exit-status* (if (eql status 0) *shutdown-status* status)))
    (si:check-pending-interrupts)
    (if self
        (call-reporting function self)
        (call-reporting function))
    (values)))

(defun shutdown (&optional (status 0))
  "Does what happens at exit, now and once: callbacks that are pending, exit
handlers, and the cleanups of what is still alive, newest first.  EXT:QUIT does
it by itself.  Then exit handlers and cleanups are refused."
  (check-type status (signed-byte 32))
  (drain-reporting)
  (setf *shutdown-status* status)
  (checked-call (shutdown minusp) :int "gcw_shutdown(#0)" (:int status))
  (values))

(defun shutdown-at-quit ()
  "Is ECL's exit hook."
  (ffi:c-inline () () :void "gcwe_claim_exit()" :one-liner t)
  (let ((status ext:*program-exit-code*))
    (shutdown (if (typep status '(signed-byte 32)) status 0))))

;; ECL evaluates (funcall HOOK), so a symbol would be taken for a variable.
(push #'shutdown-at-quit si:*exit-hooks*)
