package android.graphics;

public abstract class ColorSpace {
    public boolean isSrgb() { throw new UnsupportedOperationException(); }
}
