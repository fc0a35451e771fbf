package android.graphics;

public class Color {
    public static final int BLACK = 0xFF000000;
    public static final int WHITE = 0xFFFFFFFF;
    public static int red(int color) { throw new UnsupportedOperationException(); }
    public static int green(int color) { throw new UnsupportedOperationException(); }
    public static int blue(int color) { throw new UnsupportedOperationException(); }
    public static int rgb(int red, int green, int blue) { throw new UnsupportedOperationException(); }
}
