;;;; exit.lisp: exit handlers, and what happens when ECL quits.
;;;;
;;;; ECL takes itself down before it calls exit: it closes all libraries that it
;;;; has loaded.  So what happens at exit happens in one of its exit hooks,
;;;; while Lisp still works.  It is the library that calls then, through
;;;; CALL-AT-EXIT, which nothing leaves.  A program that ends by C's exit, and
;;;; not by EXT:QUIT, comes there too.
;;;;
;;;; A function is registered as a method of an object that never dies, because
;;;; only methods are told the status.  What a program runs itself, Lisp steps
;;;; through; unless it has, or had, a limit: the library sees only the end of a
;;;; call that it has made, so it runs that.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

(defvar *exit-status* 0
  "In an exit handler, the status with which the process or its registry ends.")

(define-handle exit-registry
  "Has handlers, and runs them when told, last registered first."
  (name nil :read-only t)
  (error-handler nil)
  ;; It, or one of its handlers, has had a limit.
  (limited nil))

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

(eval-when (:compile-toplevel :load-toplevel :execute)
  (defconstant +bits-of-long+ (* 8 (ffi:size-of-foreign-type :long))))

(deftype level ()
  '(or (member :first :last) (signed-byte #.+bits-of-long+)))

(deftype limit ()
  '(or null (unsigned-byte #.+bits-of-long+)))

(defun level-number (level)
  "Returns the number of a level that may have a name."
  (case level
    (:first (ffi:c-inline () () :long "GCW_EXIT_FIRST" :one-liner t))
    (:last (ffi:c-inline () () :long "GCW_EXIT_LAST" :one-liner t))
    (t level)))

(defun level-name (number)
  (cond ((eql number (level-number :first)) :first)
        ((eql number (level-number :last)) :last)
        (t number)))

(defvar *anchor* (list 'anchor)
  "The object of the functions.")

(defun handler-method (callee)
  "Returns the pointer of the method that CALLEE is registered as, and its
function; or NIL, if it is dead."
  (multiple-value-bind (function self)
      (if (weak-method-p callee) (bind callee) (values callee *anchor*))
    (and function
         (values (checked-call (exit-handler-register null callee)
                     :pointer
                     "#2 ? gcw_method_new(#0, gcwe_exit_function, #1)
                      : #3 ? gcw_method_new_weak(#0, gcwe_exit_method, #1)
                      : gcw_method_new(#0, gcwe_exit_method, #1)"
                     (:object self) (:object function)
                     (:bool (not (weak-method-p callee)))
                     (:bool (and (weak-method-p callee)
                                 (%weak-method-weak-function callee))))
                 function))))

(defun handler-name (name function)
  "Returns the name for reports, or NIL: that which was given, or the function's."
  (let ((name (or name (if (symbolp function)
                           function
                           (nth-value 2 (function-lambda-expression function))))))
    (cond ((null name) nil)
          ((symbolp name) (symbol-name name))
          (t (princ-to-string name)))))

(defun note-limit (registry limit)
  "With a limit, the library runs REGISTRY from now on."
  (when (and registry limit (plusp limit))
    (setf (%exit-registry-limited registry) t)))

(defun exit-handler-register (callee &key registry name keep inherit (level 0)
                                       limit)
  "Registers CALLEE to run at exit, or with REGISTRY, and returns a handler,
which need not be kept.  A weak method is called as (FUNCTION OBJECT), if its
object is alive then; a function, or its name, without arguments.  *EXIT-STATUS*
has the status.  NAME is for reports.  With KEEP it stays for the next run; with
INHERIT it runs in forked children too.  LEVEL is an integer, or :FIRST or :LAST:
those of higher levels run first.  If its call takes longer than LIMIT, in
milliseconds, the process ends; then the library runs REGISTRY: see
SET-EXIT-LIMIT."
  (check-type callee callee)
  (check-type registry (or null exit-registry))
  (check-type level level)
  (check-type limit limit)
  (multiple-value-bind (method function) (handler-method callee)
    (unless method
      (dead 'exit-handler-register callee))
    (note-limit registry limit)
    (wrap-exit-handler
     (checked-call (exit-handler-register null callee)
         :pointer "({ gcw_exit_options o; gcw_exit_options_init(&o);
                      o.name = gcwe_name(#0); o.keep = #1; o.inherit = #2;
                      o.level = #3; o.limit = #4;
                      gcw_exit_register(#5, #6, &o); })"
         (:object (handler-name name function)) (:bool keep) (:bool inherit)
         (:long (level-number level)) (:unsigned-long (or limit 0))
         (:pointer-void (registry-pointer registry)) (:pointer-void method)))))

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

(defvar *library-run* nil
  "The registry that the library runs here, and how many handlers it has called,
as a cons; or NIL.")

(defun run-by-library (registry status)
  "Returns how many ran."
  (let ((*library-run* (cons registry 0)))
    (checked-call (exit-registry-run minusp)
        :int "gcw_exit_run(#0, #1)" (:handle registry) (:int status))
    (cdr *library-run*)))

(defun run-by-steps (registry status)
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

(defun exit-registry-run (registry &optional (status 0))
  "Runs the handlers of REGISTRY, last registered first; *EXIT-STATUS* is STATUS
meanwhile.  Returns how many ran.  An error in one goes to the error handler of
REGISTRY, or else to the caller, as with EVENT-EMIT.  Anything may leave a
handler; what has not run stays registered.  With a limit, nothing may leave one:
see SET-EXIT-LIMIT."
  (check-type registry exit-registry)
  (check-type status (signed-byte 32))
  (if (%exit-registry-limited registry)
      (run-by-library registry status)
      (run-by-steps registry status)))

(defun set-exit-limit (registry limit &key abort)
  "Limits how long the handlers of REGISTRY may take together, to LIMIT
milliseconds; NIL: as long as they like.  REGISTRY may be NIL: that is the exit.
If it takes longer, a line on stderr says which handler hangs, and the process
ends; with ABORT by abort.  From the first limit on, this or that of a handler, the
library runs the registry, as it does at exit: in EXIT-REGISTRY-RUN too, nothing
leaves a handler, and errors go to the error handler or to *FAILURE-HANDLER*."
  (check-type registry (or null exit-registry))
  (check-type limit limit)
  (checked-call (set-exit-limit minusp)
      :int "gcw_exit_limit(#0, #1) | gcw_exit_limit_abort(#0, #2)"
      (:pointer-void (registry-pointer registry))
      (:unsigned-long (or limit 0)) (:bool abort))
  (note-limit registry limit)
  (values))

;;; Exit.

(defvar *shutdown-status* 0
  "The status that SHUTDOWN was called with.")

(defun run-of (info)
  "Returns the run by the library that calls the handler with this INFO, if that
was asked for here."
  (and info *library-run*
       (si:foreign-data-equal
        (ffi:c-inline (info) (:object) :object "gcwe_info_registry(#0)"
                      :one-liner t)
        (handle-pointer (car *library-run*)))
       *library-run*))

(defun teller (function run info)
  "Returns the function of a condition that hears of an error in FUNCTION."
  (let ((handler (and run (exit-registry-error-handler (car run)))))
    (if handler
        (lambda (condition)
          (funcall handler
                   (wrap-exit-handler
                    (ffi:c-inline (info) (:object) :object
                                  "gcwe_info_handler(#0)" :one-liner t))
                   condition))
        (tell-failure-handler function))))

(defun call-at-exit (function self status info)
  "Calls FUNCTION, with SELF unless that is NIL, out of frames of the library,
with interrupts on.  Errors go to the error handler of the registry, or to
*FAILURE-HANDLER*; who called this catches what else leaves it."
  (let* ((si:*allow-with-interrupts* t)
         (ext:*interrupts-enabled* t)
         (run (run-of info))
         (*exit-status* (if (or run (/= status 0)) status *shutdown-status*))
         (tell (teller function run info)))
    (si:check-pending-interrupts)
    (when run
      (incf (cdr run)))
    (if self
        (call-telling tell function self)
        (call-telling tell function))
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
