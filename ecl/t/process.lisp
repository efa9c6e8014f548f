;;;; process.lisp: cleanups in a process of their own.

(defpackage :process-test (:use :cl :gcweak :tap))
(in-package :process-test)

;; Callbacks tell of themselves by a semaphore, which the test waits on.

(defun drop-with (function)
  "Ends the life of an object with this cleanup."
  (let ((object (new-target)))
    (make-cleanup object function)
    (dispose object)
    (svref object 0)))

(defvar *count* 0)
(defvar *count-lock* (mp:make-lock :name "count"))

(defun counter ()
  "A function that counts in *COUNT*."
  (setf *count* 0)
  (lambda () (mp:with-lock (*count-lock*) (incf *count*))))

(defun test-waiting ()
  (is "without anything pending the time is over" (drain-wait 0) nil)
  (is "also if it is longer" (drain-wait 1/100) nil)
  (drop-with #'list)
  (is "what is pending is not waited for" (drain-wait) t)
  (is "nor taken" (drain) 1)
  (let* ((begun (mp:make-semaphore)) (result nil)
         (process (mp:process-run-function
                   "waits" (lambda ()
                             (mp:signal-semaphore begun)
                             (setf result (drain-wait 60))))))
    (mp:wait-on-semaphore begun)
    (drop-with #'list)
    (mp:process-join process)
    (is "who waits is woken" result t)
    (drain))
  (let* ((begun (mp:make-semaphore)) (result nil)
         (process (mp:process-run-function
                   "waits" (lambda ()
                             (setf result
                                   (catch 'out
                                     (mp:signal-semaphore begun)
                                     (drain-wait)))))))
    (mp:wait-on-semaphore begun)
    (mp:interrupt-process process (lambda () (throw 'out 'left)))
    (mp:process-join process)
    (is "an interrupt may leave the wait" result 'left)))

(defun test-process ()
  (let ((process (start-drain-process))
        (ran (mp:make-semaphore)) (where nil))
    (is "there is one process" (start-drain-process) process)
    (drop-with (lambda ()
                 (setf where mp:*current-process*)
                 (mp:signal-semaphore ran)))
    (mp:wait-on-semaphore ran)
    (is "callbacks run in it" where process)
    (let ((heard nil))
      (setf *failure-handler*
            (lambda (callback condition)
              (declare (ignore callback))
              (setf heard (princ-to-string condition))))
      (drop-with (lambda () (error "oh")))
      (drop-with (lambda () (mp:signal-semaphore ran)))
      (mp:wait-on-semaphore ran)
      (is "an error goes to the failure handler" heard "oh")
      (setf *failure-handler* 'gcweak::report-failure))
    (let ((count-up (counter)))
      (make-many (lambda (i)
                   (on-new-target (lambda (object)
                                    (make-cleanup object count-up)))
                   i))
      (loop repeat 5 do (ext:gc t))
      (drop-with (lambda () (mp:signal-semaphore ran)))
      (mp:wait-on-semaphore ran)
      (stop-drain-process)
      (drain)
      (ok "nearly all that die are heard of" (nearly-all-p *count*)))
    (ok "it has ended" (not (member process (mp:all-processes))))
    (drop-with (lambda () (setf where 'here)))
    (drain)
    (is "then callbacks wait for who drains" where 'here)
    (let ((again (start-drain-process)))
      (drop-with (lambda ()
                   (setf where mp:*current-process*)
                   (mp:signal-semaphore ran)))
      (mp:wait-on-semaphore ran)
      (is "another can be started" where again))
    (loop repeat 20
          do (stop-drain-process) (start-drain-process))
    (stop-drain-process)
    (stop-drain-process)
    (ok "it can be stopped and started at once" t)))

(defun test-many-processes ()
  (let* ((event (make-event)) (count 0) (object (new-target))
         (map (make-weak-map)) (lock (mp:make-lock)))
    (event-connect event (make-weak-method
                          object (lambda (self)
                                   (declare (ignore self))
                                   (mp:with-lock (lock) (incf count)))))
    (mapc #'mp:process-join
          (loop for i below 4
                collect (mp:process-run-function
                         "emits"
                         (lambda ()
                           (loop repeat 500
                                 do (event-emit event)
                                    (let ((key (list 1)))
                                      (setf (weak-map-get key map) key)))))))
    (is "any number of processes may emit at once" count 2000)
    (collect)
    (ok "and fill a map, whose keys die" (< (weak-map-count map) 200))
    (svref object 0)))

(test-waiting)
(test-process)
(test-many-processes)
(finish)
