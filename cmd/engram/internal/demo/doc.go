// Package demo shows the whole system at work on a machine that has no data: it
// draws a gallery, indexes it, has a simulated subject look at scenes, trains
// decoders on the scans and scores them on scenes that they have not seen.
//
// Everything that it shows is generated or simulated, and the Report says so:
// scenes are drawings made by a program (package scenes), and no person was
// scanned (package scanner). How well its decoders do says that the system
// works, and nothing about people.
//
// # Stages
//
// Run goes through stages. Each has a folder of its own, named after a hash of
// everything that it is made from: seed, scale, the model's fingerprint, the
// version of the stage and the stages before it. done.json, written last, says
// that a stage is complete; a second Run passes over it. A stage that was
// interrupted goes on where its parts can: indexing at the next image, training
// at its checkpoint; other parts begin again.
//
//	scenes-KEY    pictures with captions in COCO's layout
//	index-KEY     the index of all of them
//	targets-KEY   their tokens
//	scans-KEY     the subject's voxels and trials
//	decoders-KEY  a folder for each decoder
//	scores-KEY    what was measured
//	served-KEY    what searches by scan found, as the page makes them
//	pictures-KEY  reconstructions of a few scans, where there are models for it
//	demo.json     the Report of the latest run
//	subjects/     the figures of RunSubjects: measured-KEY for each finished subject
//
// The package knows no command line: it works with an app.App, and a progress.Func
// watches it.
package demo
