;;;; package.lisp: the names that the module gcweak gives.

(defpackage :gcweak
  (:use :cl)
  (:export
   #:gcweak-version
   ;; Conditions, and the restart of those who call callbacks
   #:gcweak-error #:gcweak-error-operation #:gcweak-error-name
   #:gcweak-error-reason
   #:dead-object #:dead-object-handle
   #:not-collectable
   #:next-callback #:*failure-handler*
   ;; Weak references
   #:weak-reference #:make-weak-reference #:weak-reference-p
   #:weak-reference-value #:weak-reference-id
   ;; Weak methods
   #:weak-method #:make-weak-method #:weak-lambda #:weak-method-p
   #:weak-method-call #:weak-method-bind #:weak-method-alive-p
   #:weak-method= #:weak-method-hash #:weak-method-on-death
   ;; Cleanups
   #:cleanup #:make-cleanup #:cleanup-p #:cleanup-alive-p #:cleanup-target
   #:cleanup-run #:cleanup-detach #:cleanup-at-exit-p
   ;; Deaths
   #:dispose #:drain #:drain-wait #:collect
   #:start-drain-process #:stop-drain-process
   ;; Events
   #:event #:make-event #:event-p #:event-name #:event-connect
   #:event-disconnect #:event-emit #:event-count #:event-error-handler
   #:listener #:listener-p #:listener= #:listener-connected-p
   #:listener-disconnect #:listener-block #:listener-unblock
   ;; Hubs
   #:hub #:make-hub #:hub-p #:hub-connect #:hub-disconnect #:hub-emit
   #:hub-post #:hub-dispatch #:hub-file-descriptor #:hub-size
   #:hub-error-handler
   ;; Exit handlers
   #:exit-handler #:exit-handler-register #:exit-handler-unregister
   #:exit-handler-p #:exit-unregister-object #:exit-unregister-callee
   #:exit-registry #:make-exit-registry #:exit-registry-p
   #:exit-registry-run #:exit-registry-error-handler
   #:exit-registry-clear #:exit-registry-handlers #:set-exit-limit
   #:*exit-status* #:shutdown
   ;; Signals
   #:exit-on-signal #:exit-off-signal #:exit-signal
   #:exit-signal-file-descriptor #:exit-by-signal
   ;; Weak maps
   #:weak-map #:make-weak-map #:weak-map-p #:weak-map-get #:weak-map-ensure
   #:weak-map-replace #:weak-map-remove #:weak-map-count #:weak-map-do
   ;; Guardians
   #:guardian #:make-guardian #:guardian-p #:guardian-add #:guardian-next))
