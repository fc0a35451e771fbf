// What the package uses of Core ML, as Apple declares it: to check types against, nothing runs.
@_exported import CoreVideo
@_exported import Foundation

public enum MLComputeUnits: Int, Sendable { case cpuOnly = 0, cpuAndGPU, all, cpuAndNeuralEngine }
open class MLModelConfiguration: NSObject {
    public var computeUnits: MLComputeUnits = .all
}
open class MLImageConstraint: NSObject {
    public var pixelsWide: Int { fatalError() }
    public var pixelsHigh: Int { fatalError() }
}
open class MLMultiArrayConstraint: NSObject {
    public var shape: [NSNumber] { fatalError() }
}
open class MLFeatureDescription: NSObject {
    public var imageConstraint: MLImageConstraint? { fatalError() }
    public var multiArrayConstraint: MLMultiArrayConstraint? { fatalError() }
}
open class MLModelDescription: NSObject {
    public var inputDescriptionsByName: [String: MLFeatureDescription] { fatalError() }
    public var outputDescriptionsByName: [String: MLFeatureDescription] { fatalError() }
}
open class MLMultiArray: NSObject {}
open class MLFeatureValue: NSObject {
    public convenience init(pixelBuffer: CVPixelBuffer) { fatalError() }
    public var multiArrayValue: MLMultiArray? { fatalError() }
}
public protocol MLFeatureProvider: AnyObject {
    var featureNames: Set<String> { get }
    func featureValue(for featureName: String) -> MLFeatureValue?
}
open class MLDictionaryFeatureProvider: NSObject, MLFeatureProvider {
    public init(dictionary: [String: Any]) throws { fatalError() }
    public var featureNames: Set<String> { fatalError() }
    public func featureValue(for featureName: String) -> MLFeatureValue? { fatalError() }
}
open class MLPredictionOptions: NSObject {}
open class MLModel: NSObject {
    public class func compileModel(at modelURL: URL) async throws -> URL { fatalError() }
    public class func load(contentsOf url: URL, configuration: MLModelConfiguration) async throws -> MLModel {
        fatalError()
    }
    public var modelDescription: MLModelDescription { fatalError() }
    public func prediction(from input: MLFeatureProvider) throws -> MLFeatureProvider { fatalError() }
    public func prediction(
        from input: MLFeatureProvider, options: MLPredictionOptions = MLPredictionOptions()
    ) async throws -> MLFeatureProvider { fatalError() }
}
public protocol MLShapedArrayScalar {}
extension Float: MLShapedArrayScalar {}
public struct MLShapedArray<Scalar: MLShapedArrayScalar> {
    public init(converting array: MLMultiArray) { fatalError() }
    public var scalars: [Scalar] { fatalError() }
}
