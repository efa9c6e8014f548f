;;;; names.lisp: what the module exports, what has a docstring, and what the
;;;; page tells of are the same.  The page is named by GCWEAK_PAGE.

(defpackage :names-test (:use :cl :gcweak :tap))
(in-package :names-test)

(defparameter *lines*
  (with-open-file (page (ext:getenv "GCWEAK_PAGE") :external-format :utf-8)
    (loop for line = (read-line page nil) while line collect line)))

(defparameter *exported*
  (let ((names '()))
    (do-external-symbols (name :gcweak)
      (push name names))
    (sort names #'string<)))

(defun section-name (line)
  "The name in ### `(name argument ...)` or ### `name`, or NIL."
  (when (and (> (length line) 6) (string= (subseq line 0 5) "### `"))
    (let* ((start (if (char= (char line 5) #\() 6 5))
           (end (position-if (lambda (c) (find c " )`")) line :start start)))
      (string-upcase (subseq line start end)))))

(defparameter *sections* (remove nil (mapcar #'section-name *lines*)))

(defun documented-p (name)
  (some (lambda (kind) (documentation name kind))
        '(function variable type structure)))

(defun wants-section-p (name)
  "Types have none, nor what is read out of conditions."
  (and (or (boundp name) (fboundp name))
       (not (member name '(gcweak-error-operation gcweak-error-name
                           gcweak-error-reason dead-object-handle)))))

(is "every function and variable has a section on the page"
    (set-difference (mapcar #'symbol-name
                            (remove-if-not #'wants-section-p *exported*))
                    *sections* :test #'string=)
    '())
(is "every section has a name"
    (set-difference *sections* (mapcar #'symbol-name *exported*)
                    :test #'string=)
    '())
(is "none has two" (length *sections*)
    (length (remove-duplicates *sections* :test #'string=)))
(is "every name has a docstring"
    (remove-if (lambda (name)
                 (or (documented-p name)
                     ;; That of a restart is its report.
                     (eq name 'next-callback)
                     (and (fboundp name) (not (wants-section-p name)))))
               *exported*)
    '())
(finish)
