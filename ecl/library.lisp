;;;; library.lisp: errors of the library as conditions; starting it.

(in-package :gcweak)

(ffi:clines "#include \"gcweak-ecl.h\"")

(defun errno-name (number)
  (intern (ffi:c-inline (number) (:int) :cstring "gcwe_errno_name(#0)"
                        :one-liner t)
          :keyword))

(defun errno-reason (number)
  (ffi:c-inline (number) (:int) :cstring "strerror(#0)" :one-liner t))

(defun collectable-p (object)
  (ffi:c-inline (object) (:object) :bool "gcwe_collectable(#0)" :one-liner t))

(defun fail (operation number &optional object)
  "Signals the error that has this number, in a call about OBJECT."
  (let ((name (errno-name number)) (reason (errno-reason number)))
    (case name
      (:estale
       (error 'dead-object :operation operation :name name :reason reason
                           :handle object))
      (t
       (error 'gcweak-error :operation operation :name name
                            :reason reason)))))

(defun check-collectable (operation object)
  "Signals NOT-COLLECTABLE unless the object can be held weakly."
  (unless (collectable-p object)
    (error 'not-collectable :operation operation :name :einval
                            :reason (errno-reason
                                     (ffi:c-inline () () :int "EINVAL"
                                                   :one-liner t))
                            :datum object :expected-type 'handle)))

(defun gcweak-version ()
  "Returns the version of the library, a string."
  (ffi:c-inline () () :cstring "gcw_version()" :one-liner t))

(checked-call (gcw-init minusp) :int "gcw_init()")
