;;; srfi-124.scm: the names of SRFI 124, ephemerons, and no others.
;;;
;;; The names are those of (gcweak), which is only asked for when this is
;;; loaded, not when it is compiled: it need not be installed yet.

(define-module (gcweak srfi-124))

(module-use! (current-module) (resolve-interface '(gcweak)))
(module-re-export! (current-module)
                   '(make-ephemeron ephemeron? ephemeron-broken? ephemeron-key
                     ephemeron-datum reference-barrier))
