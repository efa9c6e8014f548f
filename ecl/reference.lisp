;;;; reference.lisp: weak references and weak methods.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

;;; Weak references.

(define-handle weak-reference
  "A reference that does not keep its object alive.")

(defun make-weak-reference (object &key long)
  "Returns a weak reference to OBJECT, which may be anything in the collected
heap.  With LONG it lasts until the object is really gone, also where a
finalizer keeps that for a while."
  (check-collectable 'make-weak-reference object)
  (wrap-weak-reference
   (if long
       (checked-call (make-weak-reference null object)
           :pointer "gcw_ref_new_long(#0)" (:object object))
       (checked-call (make-weak-reference null object)
           :pointer "gcw_ref_new(#0)" (:object object)))))

(defun weak-reference-value (reference)
  "Returns the object of REFERENCE, or NIL if it is dead."
  (check-type reference weak-reference)
  (values (library-call :object "gcwe_value_or_nil(gcw_ref_get(#0))"
                        (:handle reference))))

(defun weak-reference-id (reference)
  "Returns a number that two references share if they are to one object.  It
never changes, and is never used again."
  (check-type reference weak-reference)
  (values (library-call :uint64-t "gcw_ref_id(#0)" (:handle reference))))

;;; Weak methods.

(define-handle weak-method
  "An object, held weakly, and a function of it."
  (weak-function nil :read-only t))

(defun make-weak-method (object function &key weak-function)
  "Returns a weak method, which calls (FUNCTION OBJECT argument ...) as long as
OBJECT is alive.  OBJECT is held weakly.  FUNCTION, a function or its name, is
held strongly, and must not lead to OBJECT, which could never die then; see
WEAK-LAMBDA.  With WEAK-FUNCTION it is held weakly too, and the method is dead
when either has died: keep FUNCTION in OBJECT."
  (check-function function)
  (check-collectable 'make-weak-method object)
  (when weak-function
    (check-collectable 'make-weak-method function))
  (wrap-weak-method
   (if weak-function
       (checked-call (make-weak-method null object)
           :pointer "gcw_method_new_weak(#0, gcwe_method, #1)"
           (:object object) (:object function))
       (checked-call (make-weak-method null object)
           :pointer "gcw_method_new(#0, gcwe_method, #1)"
           (:object object) (:object function)))
   (and weak-function t)))

(defmacro weak-lambda ((object) lambda-list &body body)
  "Returns a weak method of the object in the variable OBJECT.  In BODY the
variable is a parameter of that name, so that the function does not close over
the object and thus keep it alive."
  (check-type object symbol)
  `(make-weak-method ,object (lambda (,object ,@lambda-list) ,@body)))

(defun bind (method)
  "Returns the function and the object of METHOD, which is alive as long as the
caller has it; or NIL."
  (mp:without-interrupts
    (ffi:c-inline ((handle-pointer method)) (:pointer-void)
        (values :object :object)
        "{ gcw_bound bound;
           bool live = gcw_method_bind(#0, &bound);
           @(return 0) = live ? (cl_object)bound.data : ECL_NIL;
           @(return 1) = live ? (cl_object)bound.self : ECL_NIL; }")))

(defun dead (operation handle)
  (fail operation (ffi:c-inline () () :int "ESTALE" :one-liner t) handle))

(defun weak-method-call (method &rest arguments)
  "Calls METHOD with the arguments, after its object, and returns what its
function returns.  Signals DEAD-OBJECT if it is dead."
  (check-type method weak-method)
  (multiple-value-bind (function self) (bind method)
    (if function
        (apply function self arguments)
        (dead 'weak-method-call method))))

(defun weak-method-bind (method)
  "Returns a function that holds the object of METHOD and calls the method, or
NIL if it is dead."
  (check-type method weak-method)
  (multiple-value-bind (function self) (bind method)
    (and function
         (lambda (&rest arguments) (apply function self arguments)))))

(defun weak-method-alive-p (method)
  "Returns true if METHOD is alive.  That may be out of date as soon as it is
known; to act on it, use WEAK-METHOD-BIND."
  (check-type method weak-method)
  (values (library-call :bool "gcw_method_alive(#0)" (:handle method))))

(defun weak-method= (a b)
  "Returns true if the weak methods A and B have the same object and function.
That does not change when they die."
  (check-type a weak-method)
  (check-type b weak-method)
  (values (library-call :bool "gcw_method_equal(#0, #1)"
                        (:handle a) (:handle b))))

(defun weak-method-hash (method)
  "Returns a number that goes with WEAK-METHOD=, and never changes."
  (check-type method weak-method)
  (values (library-call :fixnum
                        "(cl_fixnum)(gcw_method_hash(#0) & MOST_POSITIVE_FIXNUM)"
                        (:handle method))))
