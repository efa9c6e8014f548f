;;;; base.lisp: what all other files use: conditions, handles, and the ways to
;;;; call the library.  It is plain Lisp, and loaded before those are compiled.
;;;;
;;;; Interrupts.  mp:interrupt-process may come at any time, and may leave
;;;; whatever it interrupts.  Frames of the library must not be left so: they
;;;; may hold a lock.  So each call of the library is made with interrupts off
;;;; (LIBRARY-CALL), and no Lisp function is called out of one: the library
;;;; says what is to be called, and Lisp calls it, with interrupts on
;;;; (DO-CALLBACKS).  Anything may leave those.

(in-package :gcweak)

;;; Conditions.

(define-condition gcweak-error (error)
  ((operation :initarg :operation :reader gcweak-error-operation
              :documentation "The function that failed, a symbol.")
   (name :initarg :name :reader gcweak-error-name
         :documentation "What went wrong, a keyword such as :ENOMEM.")
   (reason :initarg :reason :reader gcweak-error-reason
           :documentation "The same in words, a string."))
  (:report (lambda (condition stream)
             (format stream "~A: ~A" (gcweak-error-operation condition)
                     (gcweak-error-reason condition))))
  (:documentation "Something that the library refused to do, or could not."))

(define-condition dead-object (gcweak-error)
  ((handle :initarg :handle :reader dead-object-handle
           :documentation "The method that was to be called, or what else."))
  (:report (lambda (condition stream)
             (format stream "~A: the object of ~A is dead."
                     (gcweak-error-operation condition)
                     (dead-object-handle condition))))
  (:documentation "An object that must be alive has died."))

(define-condition not-collectable (gcweak-error type-error)
  ()
  (:report (lambda (condition stream)
             (format stream "~A: ~S cannot be held weakly, for it is no object ~
                             of the collected heap."
                     (gcweak-error-operation condition)
                     (type-error-datum condition))))
  (:documentation "Something that never dies, such as a number, was to be held
weakly."))

;;; Handles.

(defstruct (handle (:constructor nil))
  "What the library calls a handle.  The pointer holds it."
  (pointer nil :read-only t))

(defmethod print-object ((handle handle) stream)
  (print-unreadable-object (handle stream :type t :identity t)
    (let ((name (handle-name handle)))
      (when name (princ name stream)))))

(defgeneric handle-name (handle)
  (:documentation "The name that the user gave, or NIL.")
  (:method (handle) (declare (ignore handle)) nil))

(defun name-with (before name after)
  (intern (format nil "~A~A~A" before name after) :gcweak))

(defun slot-names (slots)
  (mapcar (lambda (slot) (if (consp slot) (first slot) slot)) slots))

(defmacro define-handle (name documentation &rest slots)
  "Defines a type of handles with these additional slots, whose accessors are
%NAME-SLOT; its constructor WRAP-NAME; and its predicate NAME-P."
  `(progn
     (defstruct (,name (:include handle) (:copier nil) (:predicate nil)
                 (:conc-name ,(name-with "%" name "-"))
                 (:constructor ,(name-with "WRAP-" name "")
                     (pointer &optional ,@(slot-names slots))))
       ,documentation
       ,@slots)
     (defun ,(name-with "" name "-P") (x)
       ,(format nil "Returns true if X is a~:[~;n~] ~(~A~)."
                (find (char (symbol-name name) 0) "AEIOU") name)
       (typep x ',name))))

;;; Calling the library.

(defmacro library-call (type code &rest arguments)
  "Calls the library with interrupts off, and returns two values: what CODE, a
C expression of this type, gives, and errno.  :POINTER is the type of a handle,
NIL for NULL.  The arguments are written (TYPE FORM); #0 in CODE is the first.
:HANDLE is the type of a handle that is given."
  (let ((names (loop for nil in arguments collect (gensym))))
    `(let ,(loop for (argument-type form) in arguments
                 for name in names
                 collect (list name (if (eq argument-type :handle)
                                        `(handle-pointer ,form)
                                        form)))
       (mp:without-interrupts
         (ffi:c-inline ,names
             ,(loop for (argument-type) in arguments
                    collect (if (eq argument-type :handle)
                                :pointer-void
                                argument-type))
             (values ,(if (eq type :pointer) :object type) :int)
             ,(if (eq type :pointer)
                  (format nil "{ void *p; errno = 0; p = ~A; ~
                               @(return 1) = errno; ~
                               @(return 0) = gcwe_wrap(p); }" code)
                  (format nil "{ errno = 0; @(return 0) = ~A; ~
                               @(return 1) = errno; }" code)))))))

(defmacro checked-call ((operation failed-p &optional object)
                        type code &rest arguments)
  "As LIBRARY-CALL, but for one value: signals an error if FAILED-P is true of
it.  OBJECT is what the error is about."
  (let ((result (gensym)) (number (gensym)))
    `(multiple-value-bind (,result ,number)
         (library-call ,type ,code ,@arguments)
       (if (,failed-p ,result)
           (fail ',operation ,number ,object)
           ,result))))

;;; Stepping.

(defmacro next-call (step-type code &rest arguments)
  "Asks the library for the next call, and returns the function of that, NIL if
there is none, and its object or NIL.  The first argument is the step, which
CODE has as a pointer to this C type.  Interrupts must be off."
  `(ffi:c-inline
       ,(loop for (type form) in arguments
              collect (if (eq type :handle) `(handle-pointer ,form) form))
       ,(loop for (type) in arguments
              collect (if (eq type :handle) :pointer-void type))
       (values :object :object)
       ,(format nil "{ ~A *step = #0; bool on = ~A; ~
                     @(return 0) = on ? gcwe_call_function(&step->call) ~
                     : ECL_NIL; ~
                     @(return 1) = on ? gcwe_call_self(&step->call) ~
                     : ECL_NIL; }" step-type code)))

(defmacro new-step (step-type)
  "Returns memory for a step of this C type."
  `(ffi:c-inline () () :object ,(format nil "gcwe_new_step(sizeof(~A))"
                                        step-type)
                 :one-liner t))

;;; Callees.

(deftype function-designator ()
  '(and (or function symbol) (not null)))

(defmacro check-function (place)
  "Signals a TYPE-ERROR unless PLACE is a function or the name of one."
  `(check-type ,place function-designator))

;;; Calling back.

(defmacro do-callbacks ((function self first next &optional (failed nil))
                        &body body)
  "Goes through callbacks with interrupts off.  FIRST and NEXT are forms with two
values: a function, NIL at the end, and its object or NIL; BODY makes the call,
with interrupts as they were.  If it signals an error, FAILED is called, a
function or NIL; if that returns true, or if the restart NEXT-CALLBACK or
CONTINUE is invoked, it goes on.  Returns how many were called."
  (let ((count (gensym)) (all (gensym)) (one (gensym)) (handler (gensym)))
    `(let ((,count 0) (,handler ,failed))
       (declare (type fixnum ,count))
       (mp:without-interrupts
         (block ,all
           (multiple-value-bind (,function ,self) ,first
             (loop
               (unless ,function (return-from ,all ,count))
               (block ,one
                 (handler-bind
                     ((error (lambda (condition)
                               (when (and ,handler
                                          (funcall ,handler condition))
                                 (return-from ,one)))))
                   (with-next-callback
                     (loop
                       (incf ,count)
                       (mp:with-local-interrupts ,@body)
                       (multiple-value-setq (,function ,self) ,next)
                       (unless ,function (return-from ,all ,count))))))
               (multiple-value-setq (,function ,self) ,next))))))))

(defmacro with-next-callback (&body body)
  "Has two restarts around BODY."
  `(restart-case (progn ,@body)
     (continue ()
       :report "Go on with the next callback.")
     (next-callback ()
       :report "Go on with the next callback, whatever was in between.")))
