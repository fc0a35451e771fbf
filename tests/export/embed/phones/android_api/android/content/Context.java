package android.content;

public abstract class Context {
    public abstract android.content.res.AssetManager getAssets();
    public abstract Context getApplicationContext();
    public abstract android.content.res.Resources getResources();
    public final String getString(int id) { throw new UnsupportedOperationException(); }
    public final String getString(int id, Object... formatArgs) { throw new UnsupportedOperationException(); }
}
