package scenes_test

import (
	"fmt"

	"engram/data/scenes"
)

// Pictures are generated: they are drawings, not photographs.
func Example() {
	world := scenes.New(1)
	scene := world.Scene(scenes.Test, 17)
	fmt.Println(scene.Background, scene.Light, scene.Weather)
	for _, thing := range scene.Things {
		fmt.Printf("%v %v, %v, animate: %t\n", thing.Colour, thing.Kind, thing.Kind.Category(), thing.Kind.Animate())
	}
	for _, caption := range scene.Captions() {
		fmt.Println(caption)
	}
	picture := scene.Draw(128)
	fmt.Println(picture.Bounds().Dx(), "pixels a side")
	// Output:
	// street day snow
	// red car, vehicle, animate: false
	// pink woman, person, animate: true
	// green ball, household, animate: false
	// a red car with a small woman standing in a pink dress and a small green and white striped ball on a street by day in falling snow
	// in a city during the day while it snows there can be seen a red car in the middle with a little woman standing in a pink dress on the right and a little green and white striped ball on the left
	// a red automobile facing left to the left of a tiny woman standing in a pink dress and behind a tiny green and white striped toy ball on a road in town in daylight in snowy weather
	// 128 pixels a side
}
