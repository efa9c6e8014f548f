;;; cleanup.scm: cleanups, dispose!, drain! and collect!.

(use-modules (gcweak) (t tap) (srfi srfi-1) (ice-9 control) (ice-9 threads)
             (ice-9 atomic))

(define (test-deaths)
  (define-values (count! counted) (callback-counter))
  (define cleanups
    (make-many (lambda (i) (make-cleanup (new-target) count!))))
  (ok "nearly all cleanups of dropped objects run"
      (until (lambda () (nearly-all? (counted)))))
  (collect)
  (is "each once" (counted) (count (negate cleanup-alive?) cleanups)))

(define (test-handles-dropped)
  (define-values (count! counted) (callback-counter))
  (for-each (lambda (i) (make-cleanup (new-target) count!)) (iota many))
  (ok "they run though nobody holds the cleanup"
      (until (lambda () (nearly-all? (counted))))))

;; Nobody drains: Guile comes around to it after a collection.
(define (test-by-itself)
  (define-values (count! counted) (callback-counter))
  (for-each (lambda (i) (make-cleanup (new-target) count!)) (iota many))
  (let loop ((tries 0))
    (unless (or (nearly-all? (counted)) (= tries 2000))
      (gc)
      (usleep 100)
      (loop (1+ tries))))
  (ok "they run after a collection without anybody's asking"
      (nearly-all? (counted))))

(define (test-dispose)
  (define object (new-target))
  (define said '())
  (define (say . args) (set! said (cons args said)))
  (define first (make-cleanup object say 'first))
  (define second (make-cleanup object say 'second 2))
  (define full (make-cleanup* object (lambda () (say 'full))))
  (ok "a cleanup is one" (cleanup? first))
  (ok "nothing else is a cleanup"
      (not (any cleanup? (list 1 #f object say))))
  (ok "it is alive" (and (cleanup-alive? first) (cleanup-alive? full)))
  (ok "it gives its target" (eq? (cleanup-target first) object))
  (ok "it shows itself" (contains? (object->string first) "#<cleanup"))
  (dispose! object)
  (ok "dispose! makes its cleanups run"
      (until (lambda () (= (length said) 3))))
  (is "newest first, with their arguments"
      (reverse said) '((full) (second 2) (first)))
  (ok "then they are not alive"
      (not (any cleanup-alive? (list first second full))))
  (is "and have no target" (cleanup-target second) #f)
  (dispose! object)
  (drain!)
  (is "they do not run again" (length said) 3))

;; Without drain! and without a collection: an async of this thread.
(define (test-dispose-by-itself)
  (define object (new-target))
  (define-values (count! counted) (callback-counter))
  (make-cleanup object count!)
  (dispose! object)
  (let loop ((tries 0))
    (unless (or (= (counted) 1) (= tries 100000))
      (loop (1+ tries))))
  (is "what dispose! makes pending runs by itself" (counted) 1))

(define (test-run)
  (define object (new-target))
  (define-values (count! counted) (callback-counter))
  (define cleanup (make-cleanup object count!))
  (is "cleanup-run! runs it" (cleanup-run! cleanup) #t)
  (is "at once" (counted) 1)
  (is "it does not run twice" (cleanup-run! cleanup) #f)
  (is "nor can it be detached" (cleanup-detach! cleanup) #f)
  (dispose! object)
  (collect)
  (is "nor does it run when its target dies" (counted) 1))

(define (test-detach)
  (define object (new-target))
  (define-values (count! counted) (callback-counter))
  (define cleanup (make-cleanup object count!))
  (is "cleanup-detach! takes it off" (cleanup-detach! cleanup) #t)
  (is "once" (cleanup-detach! cleanup) #f)
  (is "it cannot be run" (cleanup-run! cleanup) #f)
  (ok "it is not alive" (not (cleanup-alive? cleanup)))
  (dispose! object)
  (collect)
  (is "it does not run" (counted) 0))

(define (test-at-exit)
  (define object (new-target))
  (define cleanup (make-cleanup object list 1))
  (is "cleanups run at exit" (cleanup-at-exit? cleanup) #t)
  (set-cleanup-at-exit! cleanup #f)
  (is "unless that is set otherwise" (cleanup-at-exit? cleanup) #f)
  (set-cleanup-at-exit! cleanup #t)
  (is "and back" (cleanup-at-exit? cleanup) #t)
  (is "or made so"
      (cleanup-at-exit? (make-cleanup* object list #:at-exit? #f)) #f)
  (dispose! object)
  (drain!))

(define (test-itself)
  (define-values (count! counted) (callback-counter))
  (define object (new-target))
  (define closure (lambda args (apply count! args)))
  (define (refused thunk)
    (catch #t (lambda () (thunk) #f) (lambda (key . args) (symbol? key))))
  (ok "an object cannot be an argument of its own cleanup"
      (refused (lambda () (make-cleanup object count! object))))
  (ok "nor a later one"
      (refused (lambda () (make-cleanup object count! 1 2 object))))
  (ok "nor its procedure"
      (refused (lambda () (make-cleanup closure closure))))
  (ok "nor its thunk"
      (refused (lambda () (make-cleanup* closure closure))))
  (dispose! object)
  (dispose! closure)
  (drain!)
  (is "a refused one never runs" (counted) 0))

;;; Failures.

(define (fail-once cleanup-of)
  (let ((object (new-target)))
    (cleanup-of object)
    (dispose! object)
    (drain!)))

(define (test-report)
  (define ran #f)
  (define report
    (report-of
     (lambda ()
       (fail-once
        (lambda (object)
          (make-cleanup object (lambda () (set! ran #t)))
          (make-cleanup object error "the cat" 'sat)))
       (until (lambda () ran)))))
  (ok "a cleanup that fails is reported"
      (contains? report "gcweak: cleanup" "the cat" "sat"))
  (ok "and those after it run" ran))

(define (test-error-handler)
  (define heard '())
  (define made #f)
  (set-cleanup-error-handler!
   (lambda (cleanup key args)
     (set! heard (cons (list (eq? cleanup made) key) heard))
     (error "this is ignored")))
  (define report
    (report-of
     (lambda ()
       (fail-once
        (lambda (object)
          (set! made (make-cleanup object (lambda () (throw 'oh 1 2))))))
       (until (lambda () (pair? heard))))))
  (is "the error handler hears of it instead" heard '((#t oh)))
  (is "and nothing is reported" report "")
  (set-cleanup-error-handler! #f)
  (ok "it can be taken away"
      (contains? (report-of
                  (lambda ()
                    (fail-once (lambda (object) (make-cleanup object car 1)))))
                 "gcweak: cleanup")))

(define (test-escapes)
  (define after 0)
  (define (leaving leave)
    (report-of
     (lambda ()
       (fail-once
        (lambda (object)
          (make-cleanup object (lambda () (set! after (1+ after))))
          (make-cleanup object leave))))))
  (ok "an escape out of a cleanup is turned into a report"
      (let/ec k
        (contains? (leaving (lambda () (k #f))) "gcweak: cleanup")))
  (ok "an abort too"
      (call-with-prompt 'tag
        (lambda ()
          (contains? (leaving (lambda () (abort-to-prompt 'tag)))
                     "gcweak: cleanup"))
        (const #f)))
  (ok "and a full continuation"
      (call/cc
       (lambda (k) (contains? (leaving (lambda () (k #f)))
                              "gcweak: cleanup"))))
  (is "the others run" after 3))

(define (test-nested)
  (define inner-ran #f)
  (define outer-ran #f)
  (define outer (new-target))
  (make-cleanup outer
    (lambda ()
      (let ((inner (new-target)))
        (make-cleanup inner (lambda () (set! inner-ran #t)))
        (dispose! inner)
        (collect!)
        (set! outer-ran #t))))
  (dispose! outer)
  (ok "a cleanup may make, dispose of, collect and drain"
      (until (lambda () (and inner-ran outer-ran)))))

;; With asyncs blocked, this thread drains only when it is told to.
(define (test-counts)
  (call-with-blocked-asyncs
   (lambda ()
     (define object (new-target))
     (define-values (count! counted) (callback-counter))
     (for-each (lambda (i) (make-cleanup object count!)) (iota 10))
     (dispose! object)
     (is "drain! runs as many as asked" (drain! 3) 3)
     (is "and no more" (counted) 3)
     (is "or all" (drain!) 7)
     (is "which then have run" (counted) 10)
     (is "then there is nothing" (drain!) 0)
     (let ((other (new-target)))
       (make-cleanup other count!)
       (dispose! other)
       (ok "collect! drains too" (>= (collect!) 1))
       (is "and has run it" (counted) 11)))))

;; A callback may come wherever Guile looks at asyncs, but not in between:
;; what the program does with asyncs blocked is not interrupted.
(define (test-never-inside)
  (define lock (make-mutex))
  (define inside #f)
  (define wrong 0)
  (define ran 0)
  (define (callback)
    (if inside
        (set! wrong (1+ wrong))
        (with-mutex lock (make-list 100 #f)))
    (set! ran (1+ ran)))
  (do ((i 0 (1+ i))) ((= i 300))
    (call-with-blocked-asyncs
     (lambda ()
       (with-mutex lock
         (set! inside #t)
         (do ((j 0 (1+ j))) ((= j 10))
           (make-cleanup (new-target) callback)
           (make-bytes))
         (set! inside #f)))))
  (ok "callbacks that lock and allocate come"
      (until (lambda () (nearly-all? ran 3000))))
  (is "but not in the midst of what they would disturb" wrong 0))

(define (make-bytes)
  (make-string 20000))

;; What the hook allocates that Guile runs after each collection.
(define runs 20000)
(define (allocated-by-hook)
  (define (allocated)
    (assq-ref (gc-stats) 'heap-total-allocated))
  (let ((before (allocated)))
    (do ((i 0 (1+ i))) ((= i runs))
      (run-hook after-gc-hook))
    (- (allocated) before)))

;; One that allocated would make collections breed.
(define (test-cost-of-collections)
  (define object (new-target))
  (define cleanup (make-cleanup object list))
  (define hooks (hook->list after-gc-hook))
  (define with (begin (collect) (allocated-by-hook)))
  (reset-hook! after-gc-hook)
  (add-hook! after-gc-hook (const #f))
  (let ((without (allocated-by-hook)))
    (reset-hook! after-gc-hook)
    (for-each (lambda (hook) (add-hook! after-gc-hook hook)) hooks)
    (ok "a collection after which nothing is pending allocates nothing"
        (< (- with without) (* runs 8)))
    (ok "the cleanup waits" (and (cleanup-alive? cleanup) (vector? object)))))

(define (test-many-rounds)
  (define-values (count! counted) (callback-counter))
  (define made 0)
  (define (make! n)
    (set! made (+ made n))
    (do ((i 0 (1+ i))) ((= i n))
      (make-cleanup (new-target) count!)))
  (ok "cleanups that have run leave no memory behind"
      (leaves-nothing? make! 60000 32))
  (ok "and nearly all of more than 100,000 run"
      (until (lambda () (nearly-all? (counted) made)))))

(test-counts)
(test-deaths)
(test-handles-dropped)
(test-by-itself)
(test-dispose)
(test-dispose-by-itself)
(test-run)
(test-detach)
(test-at-exit)
(test-itself)
(test-report)
(test-error-handler)
(test-escapes)
(test-nested)
(test-never-inside)
(test-cost-of-collections)
(test-many-rounds)
(finish)
