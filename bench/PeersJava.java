/* PeersJava.java: WeakReference, ReferenceQueue, Cleaner and WeakHashMap of
 * Java.
 *
 *     java PeersJava.java JOB SIZE THREADS HANDLES
 *
 * A job is a Sampler: made once, then asked for samples.  See measure.c for
 * how the benchmark talks to this program.
 */
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Collections;
import java.util.Map;
import java.util.Random;
import java.util.WeakHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;

public class PeersJava {
    static final int FURTHER = 7;
    static final int READS = 1000000;
    static final int WARM_UP = 8;
    static final int WARM_UP_SIZE = 20000;

    interface Sampler {
        double[] sample() throws Exception;
    }

    /** As large as the targets of the others. */
    static final class Target {
        long a, b, count;
    }

    static Target[] newTargets(int n) {
        Target[] targets = new Target[n];
        for (int i = 0; i < n; i++)
            targets[i] = new Target();
        return targets;
    }

    static void shuffle(Object[] array) {
        Random random = new Random(1);
        for (int i = array.length; i > 1; i--) {
            int j = random.nextInt(i);
            Object last = array[i - 1];
            array[i - 1] = array[j];
            array[j] = last;
        }
    }

    @SuppressWarnings("unchecked")
    static WeakReference<Target>[] newReferences(int n) {
        return (WeakReference<Target>[]) new WeakReference<?>[n];
    }

    /* --- Reading --------------------------------------------------------- */

    static final class Read implements Sampler {
        final Target[] targets;
        final WeakReference<Target>[] references;
        final double[] times;
        volatile long seen;

        Read(int n, int threads) {
            targets = newTargets(n);
            references = newReferences(n);
            for (int i = 0; i < n; i++)
                references[i] = new WeakReference<>(targets[i]);
            shuffle(references);
            times = new double[threads];
        }

        /* The fence is for the compiler: each turn has to read anew, as a
         * program would whose reads lie far apart. */
        double loop() {
            WeakReference<Target>[] from = references;
            long alive = 0;
            long begin = System.nanoTime();
            for (int i = 0, h = 0; i < READS; i++) {
                if (from[h].get() != null)
                    alive++;
                VarHandle.loadLoadFence();
                h = h + 1 < from.length ? h + 1 : 0;
            }
            double time = (double) (System.nanoTime() - begin) / READS;
            seen = alive;
            return time;
        }

        public double[] sample() throws Exception {
            CyclicBarrier together = new CyclicBarrier(times.length);
            Thread[] threads = new Thread[times.length];
            for (int t = 0; t < threads.length; t++) {
                int mine = t;
                threads[t] = new Thread(() -> {
                    try {
                        together.await();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                    times[mine] = loop();
                });
                threads[t].start();
            }
            double sum = 0;
            for (int t = 0; t < threads.length; t++) {
                threads[t].join();
                sum += times[t];
            }
            return new double[] { sum / threads.length };
        }
    }

    /* --- Creating -------------------------------------------------------- */

    static final class Create implements Sampler {
        final int n;
        Object[] kept = new Object[4];

        Create(int n) {
            this.n = n;
        }

        double make(int slot, Target[] to) {
            WeakReference<Target>[] made = newReferences(to.length);
            long begin = System.nanoTime();
            for (int i = 0; i < to.length; i++)
                made[i] = new WeakReference<>(to[i]);
            double time = (double) (System.nanoTime() - begin) / to.length;
            kept[slot] = made;
            return time;
        }

        public double[] sample() {
            Target[] targets = newTargets(n);
            Target[] further = new Target[n * FURTHER];
            for (int i = 0; i < further.length; i++)
                further[i] = targets[i / FURTHER];
            kept[3] = targets;
            double first = make(0, targets);
            double inTurn = make(1, further);
            shuffle(further);
            return new double[] { first, inTurn, make(2, further) };
        }
    }

    /* --- Collecting ------------------------------------------------------ */

    static final class Collect implements Sampler {
        final Target[] targets;
        final WeakReference<Target>[] references;

        Collect(int n, int handles) {
            targets = newTargets(n);
            references = newReferences(n * handles);
            for (int i = 0; i < references.length; i++)
                references[i] = new WeakReference<>(targets[i % n]);
        }

        public double[] sample() {
            long begin = System.nanoTime();
            System.gc();
            double time = System.nanoTime() - begin;
            Reference.reachabilityFence(this);
            return new double[] { time };
        }
    }

    /* --- Deaths ---------------------------------------------------------- */

    static final AtomicInteger died = new AtomicInteger();

    /** Collects until all have been told of; a collection or two do. */
    static double untilAllDied(int n, long begin, Sampler poll)
            throws Exception {
        long asked = System.nanoTime();
        System.gc();
        while (died.get() < n) {
            poll.sample();
            if (System.nanoTime() - asked > 1000000000L) {
                System.gc();
                asked = System.nanoTime();
            }
        }
        return System.nanoTime() - begin;
    }

    static final class Queue implements Sampler {
        final int n;

        Queue(int n) {
            this.n = n;
        }

        public double[] sample() throws Exception {
            ReferenceQueue<Target> queue = new ReferenceQueue<>();
            WeakReference<Target>[] references = newReferences(n);
            watch(references, queue);
            died.set(0);
            double time = untilAllDied(n, System.nanoTime(), () -> {
                if (queue.remove(100) != null)
                    died.incrementAndGet();
                return null;
            });
            Reference.reachabilityFence(references);
            return new double[] { time };
        }

        /** The targets have been through a collection when they die. */
        void watch(WeakReference<Target>[] references,
                   ReferenceQueue<Target> queue) {
            Target[] targets = newTargets(n);
            for (int i = 0; i < n; i++)
                references[i] = new WeakReference<>(targets[i], queue);
            System.gc();
            Reference.reachabilityFence(targets);
        }
    }

    static final class Clean implements Sampler {
        static final Cleaner cleaner = Cleaner.create();
        final int n;

        Clean(int n) {
            this.n = n;
        }

        public double[] sample() throws Exception {
            watch();
            died.set(0);
            return new double[] {
                untilAllDied(n, System.nanoTime(), () -> {
                    Thread.onSpinWait();
                    return null;
                })
            };
        }

        void watch() {
            Target[] targets = newTargets(n);
            for (int i = 0; i < n; i++)
                cleaner.register(targets[i], died::incrementAndGet);
            System.gc();
            Reference.reachabilityFence(targets);
        }
    }

    /* --- Memory ---------------------------------------------------------- */

    static final class Memory implements Sampler {
        final Target[] targets;
        final WeakReference<Target>[] references;

        Memory(int n) {
            targets = newTargets(n);
            references = newReferences(n);
        }

        static double inUse() {
            Runtime runtime = Runtime.getRuntime();
            System.gc();
            return runtime.totalMemory() - runtime.freeMemory();
        }

        public double[] sample() {
            java.util.Arrays.fill(references, null);
            double before = inUse();
            for (int i = 0; i < targets.length; i++)
                references[i] = new WeakReference<>(targets[i]);
            return new double[] { (inUse() - before) / targets.length };
        }
    }

    /* --- Maps ------------------------------------------------------------ */

    static final int USES = 500000;
    static final int LEAST = 100000;

    static Map<Target, Object> newMap(Target[] keys, Object[] values) {
        Map<Target, Object> map = new WeakHashMap<>();
        for (int i = 0; i < keys.length; i++)
            map.put(keys[i], values[i]);
        return map;
    }

    static final class MapUse implements Sampler {
        final Target[] inOrder, keys, others;
        final Target[] values;
        final Map<Target, Object> map;
        final double[][] times;
        volatile long seen;

        MapUse(int n, int threads) {
            inOrder = newTargets(n);
            values = newTargets(n);
            others = newTargets(n);
            Map<Target, Object> made = newMap(inOrder, values);
            map = threads > 1 ? Collections.synchronizedMap(made) : made;
            keys = inOrder.clone();
            shuffle(keys);
            shuffle(others);
            times = new double[threads][];
        }

        double get(Target[] objects) {
            long there = 0;
            long begin = System.nanoTime();
            for (int i = 0, at = 0; i < USES; i++) {
                if (map.get(objects[at]) != null)
                    there++;
                at = at + 1 < objects.length ? at + 1 : 0;
            }
            double time = (double) (System.nanoTime() - begin) / USES;
            seen = there;
            return time;
        }

        double replace() {
            long begin = System.nanoTime();
            for (int i = 0, at = 0; i < USES; i++) {
                map.put(keys[at], values[at]);
                at = at + 1 < keys.length ? at + 1 : 0;
            }
            return (double) (System.nanoTime() - begin) / USES;
        }

        double setDefault() {
            long there = 0;
            long begin = System.nanoTime();
            for (int i = 0, at = 0; i < USES; i++) {
                if (map.putIfAbsent(keys[at], values[at]) != null)
                    there++;
                at = at + 1 < keys.length ? at + 1 : 0;
            }
            double time = (double) (System.nanoTime() - begin) / USES;
            seen = there;
            return time;
        }

        public double[] sample() throws Exception {
            CyclicBarrier together = new CyclicBarrier(times.length);
            Thread[] threads = new Thread[times.length];
            for (int t = 0; t < threads.length; t++) {
                int mine = t;
                threads[t] = new Thread(() -> {
                    try {
                        together.await();
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                    times[mine] = new double[] { get(keys), get(others) };
                });
                threads[t].start();
            }
            double hit = 0, miss = 0;
            for (int t = 0; t < threads.length; t++) {
                threads[t].join();
                hit += times[t][0] / threads.length;
                miss += times[t][1] / threads.length;
            }
            if (threads.length > 1)
                return new double[] { hit, miss };
            return new double[] { hit, miss, replace(), setDefault() };
        }
    }

    static final class MapMake implements Sampler {
        final Target[] keys, values, atRandom;

        MapMake(int n) {
            keys = newTargets(n);
            values = newTargets(n);
            atRandom = keys.clone();
            shuffle(atRandom);
        }

        public double[] sample() {
            int n = keys.length, times = Math.max(1, LEAST / n);
            double put = 0, remove = 0;
            for (int time = 0; time < times; time++) {
                long begin = System.nanoTime();
                Map<Target, Object> map = newMap(keys, values);
                long middle = System.nanoTime();
                for (Target key : atRandom)
                    map.remove(key);
                remove += System.nanoTime() - middle;
                put += middle - begin;
            }
            double all = (double) times * n;
            return new double[] { put / all, remove / all };
        }
    }

    static final class MapCollect implements Sampler {
        final Target[] keys;
        Target[] values;
        Map<Target, Object> map;

        /** Nothing holds the values but the map, if there is one. */
        MapCollect(int n, boolean isMap, boolean isRandom) {
            keys = newTargets(n);
            values = newTargets(n);
            if (isRandom) {
                shuffle(keys);
                shuffle(values);
                shuffle(values);
            }
            if (isMap) {
                map = newMap(keys, values);
                values = null;
            }
        }

        public double[] sample() {
            long begin = System.nanoTime();
            System.gc();
            double time = System.nanoTime() - begin;
            Reference.reachabilityFence(this);
            return new double[] { time };
        }
    }

    static final class MapMemory implements Sampler {
        final Target[] keys, values;

        MapMemory(int n) {
            keys = newTargets(n);
            values = newTargets(n);
        }

        public double[] sample() {
            double before = Memory.inUse();
            Map<Target, Object> map = newMap(keys, values);
            double after = Memory.inUse();
            Reference.reachabilityFence(map);
            return new double[] { (after - before) / keys.length };
        }
    }

    /** The value leads nowhere: with one that leads to its key the entry
     * would stay for ever. */
    static final class MapChurn implements Sampler {
        final int n;

        MapChurn(int n) {
            this.n = n;
        }

        public double[] sample() {
            Map<Target, Object> map = new WeakHashMap<>();
            Target[] keys = new Target[n];
            int steps = Math.max(LEAST, 2 * n);
            for (int i = 0; i < n; i++)
                map.put(keys[i] = new Target(), new Target());
            long begin = System.nanoTime();
            for (int i = 0; i < steps; i++)
                map.put(keys[i % n] = new Target(), new Target());
            double time = (double) (System.nanoTime() - begin) / steps;
            Reference.reachabilityFence(keys);
            return new double[] { time };
        }
    }

    /* --- Talking --------------------------------------------------------- */

    static Sampler newSampler(String job, int n, int threads, int handles) {
        switch (job) {
        case "read":
            return new Read(n, threads);
        case "create":
            return new Create(n);
        case "collect-0":
            return new Collect(n, 0);
        case "collect":
            return new Collect(n, handles);
        case "deaths-queue":
            return new Queue(n);
        case "deaths-cleaner":
            return new Clean(n);
        case "memory":
            return new Memory(n);
        case "map-use":
            return new MapUse(n, threads);
        case "map-make":
            return new MapMake(n);
        case "map-collect-0":
            return new MapCollect(n, false, handles > 1);
        case "map-collect":
            return new MapCollect(n, true, handles > 1);
        case "map-memory":
            return new MapMemory(n);
        case "map-churn":
            return new MapChurn(n);
        default:
            throw new IllegalArgumentException(job);
        }
    }

    static void say(double[] values) {
        StringBuilder line = new StringBuilder();
        for (double value : values)
            line.append(value).append(' ');
        System.out.println(line);
    }

    /** The compiler has seen what it compiles before the first round, on a
     * small scale; then the memory comes into use. */
    static Sampler warmedUp(String job, int n, int threads, int handles)
            throws Exception {
        int few = Math.min(n, WARM_UP_SIZE);
        Sampler small = newSampler(job, few, threads, handles);
        for (int i = 0; i < WARM_UP; i++)
            small.sample();
        Sampler sampler = newSampler(job, n, threads, handles);
        sampler.sample();
        return sampler;
    }

    public static void main(String[] args) throws Exception {
        if (args[0].equals("version")) {
            System.out.println("Java " + System.getProperty("java.version"));
            return;
        }
        Sampler sampler = warmedUp(args[0], Integer.parseInt(args[1]),
                                   Integer.parseInt(args[2]),
                                   Integer.parseInt(args[3]));
        System.out.println("ready");
        BufferedReader in =
            new BufferedReader(new InputStreamReader(System.in));
        while (in.readLine() != null)
            say(sampler.sample());
        System.exit(0);
    }
}
