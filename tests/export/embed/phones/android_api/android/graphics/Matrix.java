package android.graphics;

public class Matrix {
    public Matrix() { throw new UnsupportedOperationException(); }
    public boolean postRotate(float degrees) { throw new UnsupportedOperationException(); }
    public boolean postScale(float sx, float sy) { throw new UnsupportedOperationException(); }
}
