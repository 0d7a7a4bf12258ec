package ort

// Version is the release of ONNX Runtime that is fetched.
const Version = "1.27.0"

// archive is a published file that holds the library.
type archive struct {
	file    string   // its name
	size    int64    // in bytes
	sha256  string   // in hexadecimal
	members []string // what is kept of it, the library first
}

// channel is one way to get an archive: a command that leaves it in the folder
// it runs in, or else a URL.
type channel struct {
	name    string // for messages
	command []string
	url     string
	archive archive
}

// channels lists the ways to get a build for a platform (GOOS/GOARCH) in the
// order in which they are tried. The wheels come first because they are the
// smallest that a client brings; the npm package holds all platforms at once.
// There is no CUDA build but for Linux on amd64, and none at all for platforms
// that are not listed here.
func channels(platform string, gpu bool) []channel {
	wheel, ok := wheels[platform]
	project := "onnxruntime"
	if gpu {
		wheel, ok = cudaWheel, platform == "linux/amd64"
		project = "onnxruntime-gpu"
	}
	if !ok {
		return nil
	}
	// The wheel for one Python is named, so that the file does not depend on the
	// Python of the machine: nothing but the C library is used of it.
	pip := []string{"download", "--no-deps", "--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--dest=."}
	for _, tag := range wheelTags[platform] {
		pip = append(pip, "--platform="+tag)
	}
	pip = append(pip, project+"=="+Version)
	list := []channel{
		{name: "pip", command: append([]string{"pip"}, pip...), archive: wheel},
		{name: "python3 -m pip", command: append([]string{"python3", "-m", "pip"}, pip...), archive: wheel},
	}
	if gpu {
		return list
	}
	npm := npmPackage
	npm.members = []string{npmMembers[platform]}
	release := releases[platform]
	return append(list,
		channel{name: "npm", command: []string{"npm", "pack", "--ignore-scripts", "onnxruntime-node@" + Version}, archive: npm},
		channel{name: "release page", url: "https://github.com/microsoft/onnxruntime/releases/download/v" + Version + "/" + release.file, archive: release},
	)
}

// The tables below are constants. Sizes and hashes of the wheels and of the npm
// package were computed from the downloaded files. Those of the release archives
// are the digests of that release as several public build recipes pin them; a
// wrong one could only refuse the download.

var wheelTags = map[string][]string{
	"linux/amd64":  {"manylinux_2_28_x86_64", "manylinux_2_27_x86_64"},
	"linux/arm64":  {"manylinux_2_28_aarch64", "manylinux_2_27_aarch64"},
	"darwin/arm64": {"macosx_14_0_arm64"},
}

var wheels = map[string]archive{
	"linux/amd64": {
		file:    "onnxruntime-1.27.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
		size:    18636930,
		sha256:  "e4f7b0e90d2d212e2c2deaa6c8291616183ab815d3ec558ea12d3ac8b26d36f4",
		members: []string{"onnxruntime/capi/libonnxruntime.so.1.27.0"},
	},
	"linux/arm64": {
		file:    "onnxruntime-1.27.0-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl",
		size:    16419330,
		sha256:  "2eb083321af8a236a84c7c140a7f4cecbfa2a987a18c07c78db471c20cd390ef",
		members: []string{"onnxruntime/capi/libonnxruntime.so.1.27.0"},
	},
	"darwin/arm64": {
		file:    "onnxruntime-1.27.0-cp311-cp311-macosx_14_0_arm64.whl",
		size:    18416484,
		sha256:  "8ba14a38c570087f3cdb8cfba33f7a38a1e826c1e5b29e17c28ceda0cc910016",
		members: []string{"onnxruntime/capi/libonnxruntime.1.27.0.dylib"},
	},
}

// cudaWheel is the CUDA build; its libraries find each other in one folder.
var cudaWheel = archive{
	file:   "onnxruntime_gpu-1.27.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
	size:   220287841,
	sha256: "404fb845dc06a04a28df5a2c6d5967bcf3f534e7df0b98507ff81686a1b49594",
	members: []string{
		"onnxruntime/capi/libonnxruntime.so.1.27.0",
		"onnxruntime/capi/libonnxruntime_providers_shared.so",
		"onnxruntime/capi/libonnxruntime_providers_cuda.so",
	},
}

var npmPackage = archive{
	file:   "onnxruntime-node-1.27.0.tgz",
	size:   100893124,
	sha256: "c3779c01c59832f8c03e2c392ac3af10bf08579f1822e8b1c63cc451edb302a2",
}

var npmMembers = map[string]string{
	"linux/amd64":  "package/bin/napi-v6/linux/x64/libonnxruntime.so.1",
	"linux/arm64":  "package/bin/napi-v6/linux/arm64/libonnxruntime.so.1",
	"darwin/arm64": "package/bin/napi-v6/darwin/arm64/libonnxruntime.1.27.0.dylib",
}

var releases = map[string]archive{
	"linux/amd64": {
		file:    "onnxruntime-linux-x64-1.27.0.tgz",
		size:    8831605,
		sha256:  "547e40a48f1fe73e3f812d7c88a948612c23f896b91e4e2ee1e232d7b468246f",
		members: []string{"onnxruntime-linux-x64-1.27.0/lib/libonnxruntime.so.1.27.0"},
	},
	"linux/arm64": {
		file:    "onnxruntime-linux-aarch64-1.27.0.tgz",
		size:    7797972,
		sha256:  "3e4d83ac06924a32a07b6d7f91ce6f852876153fc0bbdf931bf517a140bfbe48",
		members: []string{"onnxruntime-linux-aarch64-1.27.0/lib/libonnxruntime.so.1.27.0"},
	},
	"darwin/arm64": {
		file:    "onnxruntime-osx-arm64-1.27.0.tgz",
		size:    32485368,
		sha256:  "545e81c58152353acb0d1e8bd6ce4b62f830c0961f5b3acfedc790ffd76e477a",
		members: []string{"onnxruntime-osx-arm64-1.27.0/lib/libonnxruntime.1.27.0.dylib"},
	},
}
