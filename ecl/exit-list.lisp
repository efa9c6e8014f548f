;;;; exit-list.lisp: the handlers of an exit registry: telling which there are,
;;;; and taking off many.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

(defmacro counting-call ((operation) code &rest arguments)
  "As CHECKED-CALL, for a count, which is 0 with errno if the call fails."
  (let ((count (gensym)) (number (gensym)))
    `(multiple-value-bind (,count ,number)
         (library-call :fixnum ,code ,@arguments)
       (if (and (eql ,count 0) (/= ,number 0))
           (fail ',operation ,number)
           ,count))))

(defun exit-unregister-object (object &optional registry)
  "Takes off all handlers, of the exit or of REGISTRY, whose weak methods have
this object.  Returns how many there were, without those that are running."
  (check-type registry (or null exit-registry))
  (check-collectable 'exit-unregister-object object)
  (counting-call (exit-unregister-object)
      "gcw_exit_unregister_object(#0, #1)"
      (:pointer-void (registry-pointer registry)) (:object object)))

(defun exit-unregister-callee (callee &optional registry)
  "Takes off all handlers, of the exit or of REGISTRY, that were registered with
CALLEE, the function or an equal weak method.  Returns how many there were, without
those that are running."
  (check-type callee callee)
  (check-type registry (or null exit-registry))
  (let ((method (handler-method callee)))
    (if method
        (counting-call (exit-unregister-callee)
            "gcw_exit_unregister_method(#0, #1)"
            (:pointer-void (registry-pointer registry)) (:pointer-void method))
        0)))

(defun exit-registry-clear (&optional registry)
  "Takes off all handlers, of the exit or of REGISTRY, which can be used on.
Returns how many there were, without those that are running."
  (check-type registry (or null exit-registry))
  (counting-call (exit-registry-clear)
      "gcw_exit_clear(#0)" (:pointer-void (registry-pointer registry))))

(defun describe-handler (handler name level running age)
  (list :handler (and handler (wrap-exit-handler handler))
        :name name :level (level-name level) :running running :age age))

(defun exit-registry-handlers (&optional registry)
  "Returns a list with a property list for each handler, of the exit or of
REGISTRY, in the order in which they would run: :HANDLER, NIL for some of C's;
:NAME; :LEVEL; :RUNNING; and :AGE, in collections, or NIL where that is not
known."
  (check-type registry (or null exit-registry))
  (multiple-value-bind (handlers number)
      (library-call :object "gcwe_handlers(#0)"
                    (:pointer-void (registry-pointer registry)))
    (if (and (null handlers) (/= number 0))
        (fail 'exit-registry-handlers number)
        (loop for handler in handlers
              collect (apply #'describe-handler handler)))))
