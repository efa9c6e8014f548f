;;;; build.lisp: compiles the module and links it.
;;;;
;;;;     SRCDIR=... CFLAGS=... LDFLAGS=... ecl --norc --shell build.lisp
;;;;
;;;; in the directory where gcweak.fas is to be.  Any warning ends it.

(require :cmp)

(defparameter *files*
  '("package" "base" "library" "reference" "cleanup" "event" "hub" "exit" "exit-list"
    "signal" "map" "guardian"))

(defparameter *loaded* '("package" "base")
  "What the others need when they are compiled.")

(defun source (name)
  (make-pathname :name name :type "lisp"
                 :defaults (concatenate 'string (ext:getenv "SRCDIR") "/")))

(defun object (name)
  (make-pathname :name name :type "o"))

(defun build ()
  (dolist (name *files*)
    (multiple-value-bind (output warnings failure)
        (compile-file (source name) :output-file (object name) :system-p t)
      (when (or (null output) warnings failure)
        (format *error-output* "~&~A does not compile.~%" (source name))
        (ext:quit 1)))
    (when (member name *loaded* :test #'string=)
      (load (source name))))
  (unless (c:build-fasl "gcweak" :lisp-files (mapcar #'object *files*))
    (ext:quit 1)))

;; ECL's header raises the top of a stack, then turns interrupts off.  gcc 12
;; schedules the two the other way round; an interrupt in between ends the
;; process ("Detected write access to the environment").
(setf c:*user-cc-flags* (format nil "~A -fno-schedule-insns2"
                                (ext:getenv "CFLAGS"))
      c:*user-ld-flags* (ext:getenv "LDFLAGS")
      c:*suppress-compiler-warnings* nil
      *compile-verbose* nil)
(handler-case (build)
  (error (condition)
    (format *error-output* "~&~A~%" condition)
    (ext:quit 1)))
(ext:quit 0)
