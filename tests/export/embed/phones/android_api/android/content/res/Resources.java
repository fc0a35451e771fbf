package android.content.res;

public class Resources {
    public android.util.DisplayMetrics getDisplayMetrics() { throw new UnsupportedOperationException(); }
    public String getString(int id) { throw new UnsupportedOperationException(); }
    public String getString(int id, Object... formatArgs) { throw new UnsupportedOperationException(); }
}
