package android.widget;

public class LinearLayout extends android.view.ViewGroup {
    public static final int VERTICAL = 1;

    public static class LayoutParams extends android.view.ViewGroup.MarginLayoutParams {
        public LayoutParams(int width, int height) {
        }

        public LayoutParams(int width, int height, float weight) {
        }
    }

    public LinearLayout(android.content.Context context) {
        super(context);
    }

    public void setOrientation(int orientation) { throw new UnsupportedOperationException(); }
    public int getOrientation() { throw new UnsupportedOperationException(); }
}
