import Foundation

/// What can be expected to go wrong, each with one sentence for people (`localizedDescription`).
public enum DepthError: LocalizedError, Equatable {
    /// There is no file or folder at the path.
    case noModel(String)
    /// Core ML could not compile or load the model; its own words.
    case notLoaded(String)
    /// The model is not the one that this package was generated for; what is different.
    case otherModel(String)
    /// The image could not be read; why.
    case unreadableImage(String)
    /// Core ML could not run the model; its own words.
    case notRun(String)

    public var errorDescription: String? {
        switch self {
        case .noModel(let path): return "There is no model at \(path)."
        case .notLoaded(let reason): return "Core ML cannot load the model: \(reason)"
        case .otherModel(let difference):
            return "This is not the model that WEDepthKit was generated for (\(ModelFacts.name)): \(difference)"
        case .unreadableImage(let reason): return "The image cannot be read: \(reason)"
        case .notRun(let reason): return "Core ML cannot run the model: \(reason)"
        }
    }
}
