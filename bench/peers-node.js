/* peers-node.js: WeakMap of JavaScript, in Node.
 *
 *     node --expose-gc peers-node.js JOB SIZE THREADS HANDLES
 *
 * A job is a function that sets up and returns another, which takes a sample
 * and returns its numbers.  See measure.c for how the benchmark talks to this
 * program.
 */
'use strict';

const fs = require('fs');

const USES = 200000;
const LEAST = 100000;           // at least so many of a job are counted

function now() {
    return Number(process.hrtime.bigint());
}

function newObjects(n) {
    return Array.from({ length: n }, () => ({ a: null, b: null }));
}

let state = 1;

function random(n) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 4294967296 * n);
}

function shuffled(from) {
    const to = from.slice();

    for (let i = to.length; i > 1; i--) {
        const j = random(i), last = to[i - 1];

        to[i - 1] = to[j];
        to[j] = last;
    }
    return to;
}

function fill(keys, values) {
    const map = new WeakMap();

    for (let i = 0; i < keys.length; i++)
        map.set(keys[i], values[i]);
    return map;
}

function uses(objects, use) {
    const begin = now();

    for (let i = 0, at = 0; i < USES; i++) {
        use(objects[at]);
        at = at + 1 < objects.length ? at + 1 : 0;
    }
    return (now() - begin) / USES;
}

let seen = 0;

const jobs = {
    'map-use': (n) => {
        const inOrder = newObjects(n), map = fill(inOrder, newObjects(n));
        const keys = shuffled(inOrder), others = shuffled(newObjects(n));
        const get = (key) => { if (map.get(key) !== undefined) seen++; };
        const replace = (key) => { map.set(key, key); };
        const setDefault = (key) => {
            if (map.get(key) === undefined)
                map.set(key, key);
        };

        return () => [uses(keys, get), uses(others, get),
                      uses(keys, replace), uses(keys, setDefault)];
    },

    'map-make': (n) => {
        const keys = newObjects(n), values = newObjects(n);
        const atRandom = shuffled(keys);
        const times = Math.max(1, Math.floor(LEAST / n));

        return () => {
            let put = 0, remove = 0;

            for (let time = 0; time < times; time++) {
                const begin = now(), map = fill(keys, values), middle = now();

                for (const key of atRandom)
                    map.delete(key);
                remove += now() - middle;
                put += middle - begin;
            }
            return [put / (times * n), remove / (times * n)];
        };
    },

    'map-memory': (n) => {
        const keys = newObjects(n), values = newObjects(n);

        return () => {
            global.gc();
            const before = process.memoryUsage().heapUsed;
            const map = fill(keys, values);

            global.gc();
            const grown = process.memoryUsage().heapUsed - before;

            if (map.get(keys[0]) === undefined)
                throw new Error('an entry is lost');
            return [grown / n];
        };
    },

    'map-churn': (n) => () => {
        const map = new WeakMap(), keys = new Array(n).fill(null);
        const steps = Math.max(LEAST, 2 * n);
        const step = (i) => {
            const key = { a: null, b: null };

            keys[i] = key;
            map.set(key, { a: key, b: null });
        };

        for (let i = 0; i < n; i++)
            step(i);
        const begin = now();

        for (let i = 0; i < steps; i++)
            step(i % n);
        return [(now() - begin) / steps];
    },

    'map-chain': (n) => {
        const keys = shuffled(newObjects(n)), first = keys[0];
        const map = new WeakMap();

        for (let i = 0; i < n; i++)
            map.set(keys[i], i + 1 < n ? keys[i + 1] : {});
        keys.length = 0;
        return () => {
            const begin = now();

            global.gc();
            const took = now() - begin;

            if (map.get(first) === undefined)
                throw new Error('the chain broke');
            return [took];
        };
    },
};

/* Standard input gives a byte for each sample. */
function main(job, size) {
    const request = Buffer.alloc(1);

    if (job === 'version') {
        console.log('Node ' + process.versions.node);
        return;
    }
    const sample = jobs[job](Number(size));

    sample();
    fs.writeSync(1, 'ready\n');
    while (fs.readSync(0, request, 0, 1) === 1)
        fs.writeSync(1, sample().join(' ') + '\n');
}

main(...process.argv.slice(2));
