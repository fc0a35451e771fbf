package androidx.test.ext.junit.runners;

public class AndroidJUnit4 extends org.junit.runner.Runner {
    public AndroidJUnit4(Class<?> klass) { throw new UnsupportedOperationException(); }
    public org.junit.runner.Description getDescription() { throw new UnsupportedOperationException(); }
    public void run(org.junit.runner.notification.RunNotifier notifier) { throw new UnsupportedOperationException(); }
}
