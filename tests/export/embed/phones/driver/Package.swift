// swift-tools-version: 5.9
import PackageDescription

let package = Package(
    name: "Driver",
    dependencies: [.package(path: "../WEDepthKit")],
    targets: [
        .executableTarget(
            name: "Driver",
            dependencies: [
                .product(name: "WEDepthGeometry", package: "WEDepthKit"),
                .product(name: "WEDepthSelfTest", package: "WEDepthKit"),
            ])
    ]
)
