package android.graphics;

public class RectF {
    public float left;
    public float top;
    public float right;
    public float bottom;
    public RectF() { throw new UnsupportedOperationException(); }
    public void set(float left, float top, float right, float bottom) { throw new UnsupportedOperationException(); }
    public final float width() { throw new UnsupportedOperationException(); }
    public final float height() { throw new UnsupportedOperationException(); }
    public final float centerX() { throw new UnsupportedOperationException(); }
    public final float centerY() { throw new UnsupportedOperationException(); }
    public boolean contains(float x, float y) { throw new UnsupportedOperationException(); }
}
