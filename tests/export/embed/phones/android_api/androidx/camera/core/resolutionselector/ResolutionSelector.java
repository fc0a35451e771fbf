package androidx.camera.core.resolutionselector;

public final class ResolutionSelector {
    public static final class Builder {
        public Builder() {
        }

        public Builder setResolutionStrategy(ResolutionStrategy strategy) { throw new UnsupportedOperationException(); }

        public ResolutionSelector build() { throw new UnsupportedOperationException(); }
    }
}
