;;;; thread.lisp: a thread that ECL does not know shuts down.  For the compiler:
;;;; it is C.

(defpackage :thread-test (:use :cl :gcweak :tap))
(in-package :thread-test)

(ffi:clines "
#include <pthread.h>

int gcw_shutdown(int status);

static void *shut_down(void *unused)
{
    gcw_shutdown(7);
    return unused;
}
")

(defvar *kept* (new-target))

(defun say-status (self)
  (declare (ignore self))
  (format t "method ~a~%" *exit-status*)
  (finish-output))

(exit-handler-register (make-weak-method *kept* #'say-status))
(make-cleanup *kept* (lambda () (format t "cleanup~%") (finish-output)))

(ffi:c-inline () () :void "{
    pthread_t thread;
    pthread_create(&thread, NULL, shut_down, NULL);
    pthread_join(thread, NULL); }" :one-liner nil)
