;;;; guardian.lisp: guardians, which hand objects back after their death; and
;;;; the end of the module.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

(define-handle guardian
  "Is given objects, holds none of them, and hands them back when they have
died.")

(defun make-guardian ()
  "Returns a guardian, empty."
  (wrap-guardian (checked-call (make-guardian null)
                     :pointer "gcw_guardian_new()")))

(defun guardian-add (guardian object &optional (representative object))
  "Gives OBJECT to GUARDIAN, which hands it back after its death; or
REPRESENTATIVE in its place."
  (check-type guardian guardian)
  (check-collectable 'guardian-add object)
  (checked-call (guardian-add minusp guardian)
      :int "gcw_guardian_add(#0, #1, #1 == #2 ? NULL : gcwe_word(#2))"
      (:handle guardian) (:object object) (:object representative))
  (values))

(defun guardian-next (guardian)
  "Returns an object of GUARDIAN that has died, and true; or NIL and NIL if
there is none now.  It does not collect."
  (check-type guardian guardian)
  (multiple-value-bind (found object)
      (mp:without-interrupts
        (ffi:c-inline ((handle-pointer guardian)) (:pointer-void)
            (values :bool :object)
            "{ void *p = gcw_guardian_next(#0);
               @(return 0) = p != NULL;
               @(return 1) = gcwe_value_or_nil(p); }"))
    (values object found)))

(provide :gcweak)
