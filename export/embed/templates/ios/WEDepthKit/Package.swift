// swift-tools-version: 5.9
import PackageDescription

let package = Package(
    name: "WEDepthKit",
    platforms: [.iOS(.v17), .macOS(.v14)],
    products: [
        .library(name: "WEDepthKit", targets: ["WEDepthKit"]),
        .library(name: "WEDepthGeometry", targets: ["WEDepthGeometry"]),
        .library(name: "WEDepthSelfTest", targets: ["WEDepthSelfTest"]),
    ],
    targets: [
        // Sizes, orientations and resampling: the standard library alone.
        .target(name: "WEDepthGeometry"),
        // The wrapper around Core ML, which an app links.
        .target(name: "WEDepthKit", dependencies: ["WEDepthGeometry"]),
        // The golden sample and what tells a mistake by its numbers. An app that ships needs none of it.
        .target(
            name: "WEDepthSelfTest", dependencies: ["WEDepthGeometry"],
            resources: [.copy("golden")]
        ),
        .testTarget(name: "WEDepthGeometryTests", dependencies: ["WEDepthGeometry", "WEDepthSelfTest"]),
        .testTarget(name: "WEDepthSelfTestTests", dependencies: ["WEDepthSelfTest"]),
        .testTarget(name: "WEDepthKitTests", dependencies: ["WEDepthKit", "WEDepthSelfTest"]),
    ]
)
