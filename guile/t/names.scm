;;; names.scm: what the module exports, what has a docstring, and what the
;;; page tells of are the same.  The last argument is the page.

(use-modules (gcweak) (t tap) (srfi srfi-1) (ice-9 regex) (ice-9 rdelim)
             (ice-9 threads))

(define interface (resolve-interface '(gcweak)))

(define exported
  (sort (map symbol->string
             (module-map (lambda (name variable) name) interface))
        string<?))

(define page (call-with-input-file (last (command-line)) read-string))
(define lines (string-split page #\newline))

;; The text outside the blocks of code.
(define prose
  (let loop ((lines lines) (inside #f) (out '()))
    (cond ((null? lines) (string-join (reverse out) "\n"))
          ((string-prefix? "```" (car lines))
           (loop (cdr lines) (not inside) out))
          (else
           (loop (cdr lines) inside (if inside out (cons (car lines) out)))))))

;; Sections of the page: ### `(name argument ...)`
(define sections
  (filter-map (lambda (line)
                (let ((found (string-match "^### `\\(([^ )]+)[ )]" line)))
                  (and found (match:substring found 1))))
              lines))

(define (missing some others)
  (lset-difference equal? some others))

(define (value-of name)
  (module-ref interface (string->symbol name)))

(define (documentation name)
  (let ((value (value-of name)))
    (if (macro? value)
        (procedure-documentation (macro-transformer value))
        (procedure-documentation value))))

(is "every name has a section on the page" (missing exported sections) '())
(is "every section has a name" (missing sections exported) '())
(is "none has two" (length sections) (length (delete-duplicates sections)))
(is "every name has a docstring"
    (remove (lambda (name)
              (let ((text (documentation name)))
                (and (string? text) (> (string-length text) 20))))
            exported)
    '())

;; The number of arguments that a procedure and its section want.
(define (section-of name)
  (let ((line (find (lambda (line)
                      (or (string-prefix? (string-append "### `(" name " ")
                                          line)
                          (string-prefix? (string-append "### `(" name ")")
                                          line)))
                    lines)))
    (and line (substring line 5 (string-rindex line #\`)))))

;; The arguments before the first that may be left out.
(define (required section)
  (length
   (take-while (lambda (word)
                 (not (or (string-prefix? "[" word) (string=? "..." word))))
               (let ((words (cdr (string-split
                                  (string-trim-both section
                                                    (char-set #\( #\) #\`))
                                  #\space))))
                 (if (any (lambda (word) (string=? word "...")) words)
                     (drop-repeated words)
                     words)))))

;; Without the word before an ellipsis.
(define (drop-repeated words)
  (cond ((or (null? words) (null? (cdr words))) words)
        ((string=? (cadr words) "...") '())
        (else (cons (car words) (drop-repeated (cdr words))))))

(is "the sections show the arguments that there are"
    (remove (lambda (name)
              (let ((value (value-of name)))
                (or (macro? value)
                    (= (required (section-of name))
                       (car (procedure-minimum-arity value))))))
            (lset-intersection equal? sections exported))
    '())

;;; What the prose calls by name is there.

(define spans
  (map (lambda (found) (match:substring found 1))
       (list-matches "`([^`\n]+)`" prose)))

;; Names that look like those of procedures: with a dash or a mark.
(define (looks-like-name? word)
  (and (string-match "^[a-z][a-z0-9*-]*[a-z0-9*!?]$" word)
       (string-match "[-!?*]" word)
       (not (string-contains word "libguile"))))

(define (names-in span)
  (filter looks-like-name?
          (string-tokenize span
                           (char-set-complement (string->char-set " ()[]'")))))

;; Words that are no names of variables.
(define others
  '("dead-object" "wrong-type-arg" "when-dead" "out-of-memory" "system-error"
    "keyword-argument-error" "srfi-124"))

(define (known? name)
  (or (member name others)
      (any (lambda (module)
             (module-bound? (resolve-interface module) (string->symbol name)))
           '((gcweak) (guile) (ice-9 threads) (ice-9 control)))))

(is "the page calls nothing by name that is not there"
    (delete-duplicates (remove known? (append-map names-in spans))) '())
(finish)
