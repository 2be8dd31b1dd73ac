package invoice

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestFenceEdges(t *testing.T) {
	const deg = degrees
	for name, c := range map[string]struct {
		latitude, longitude int64 // centre
		radius              int64
		inLat, inLon        int64 // the last position inside
		outLat, outLon      int64 // the first position outside
	}{
		// 2 x 6378137 x sin(d/2) = 1000 m at d = 89831.53e-7 degrees.
		"east on the equator":        {0, 0, 1000, 0, 89831, 0, 89832},
		"east over the antimeridian": {0, 180 * deg, 1000, 0, -180*deg + 89831, 0, -180*deg + 89832},
		"west over the antimeridian": {0, -180 * deg, 1000, 0, 180*deg - 89831, 0, 180*deg - 89832},
		// At a pole the radius of curvature is a2/b = 6399593.6258 m: 1000 m are 89530.33e-7 degrees.
		"from the north pole":     {90 * deg, 0, 1000, 90*deg - 89530, 123 * deg, 90*deg - 89531, 123 * deg},
		"over the north pole":     {90*deg - 44765, 0, 1000, 90*deg - 44765, 180 * deg, 90*deg - 44766, 180 * deg},
		"from the south pole":     {-90 * deg, 77 * deg, 1000, -90*deg + 89530, -1, -90*deg + 89531, -1},
		"pole is one point":       {90 * deg, 0, 1, 90 * deg, 180 * deg, 90*deg - 90, 0},
		"north at the equator":    {0, 10 * deg, 1000, 90436, 10 * deg, 90437, 10 * deg},
		"east at 80 degrees":      {80 * deg, 25 * deg, 1000, 80 * deg, 25*deg + 515637, 80 * deg, 25*deg + 515638},
		"the centre and far away": {52 * deg, 5 * deg, 1, 52 * deg, 5 * deg, -52 * deg, -175 * deg},
	} {
		t.Run(name, func(t *testing.T) {
			f := Fence{Latitude: c.latitude, Longitude: c.longitude, RadiusMetres: c.radius}
			if !f.contains(c.inLat, c.inLon) {
				t.Errorf("%d,%d is outside at %.4f m", c.inLat, c.inLon, chord(f, c.inLat, c.inLon))
			}
			if f.contains(c.outLat, c.outLon) {
				t.Errorf("%d,%d is inside at %.4f m", c.outLat, c.outLon, chord(f, c.outLat, c.outLon))
			}
		})
	}
}

// Two points on the equator, mirrored at longitude zero, differ in one co-ordinate alone, so
// their computed distance can be exactly a whole number of metres.
func TestExactlyOnTheEdgeIsInside(t *testing.T) {
	found := 0
	for half := int64(1); half < 200_000; half++ {
		across := 2 * place(0, half)[1]
		if across%unitsPerMetre != 0 {
			continue
		}
		found++
		f := Fence{Longitude: -half, RadiusMetres: across / unitsPerMetre}
		if !f.contains(0, half) {
			t.Errorf("exactly %d m is outside", f.RadiusMetres)
		}
		if f.contains(0, half+1) {
			t.Errorf("11 mm beyond %d m is inside", f.RadiusMetres)
		}
	}
	if found == 0 {
		t.Fatal("no pair lies exactly on an edge: the test tests nothing")
	}
}

// chord is the distance by floating point, to compare with: good to a few nanometres.
func chord(f Fence, latitude, longitude int64) float64 {
	a, b := ecef(f.Latitude, f.Longitude), ecef(latitude, longitude)
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

func ecef(latitude, longitude int64) [3]float64 {
	const a, flattening = 6378137.0, 1 / 298.257223563
	const e2 = flattening * (2 - flattening)
	phi, lambda := float64(latitude)*math.Pi/1.8e9, float64(longitude)*math.Pi/1.8e9
	n := a / math.Sqrt(1-e2*math.Sin(phi)*math.Sin(phi))
	return [3]float64{n * math.Cos(phi) * math.Cos(lambda), n * math.Cos(phi) * math.Sin(lambda), n * (1 - e2) * math.Sin(phi)}
}

func TestPlaceIsWithinItsErrorBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latitude := rapid.Int64Range(-90*degrees, 90*degrees).Draw(t, "latitude")
		longitude := rapid.Int64Range(-180*degrees, 180*degrees).Draw(t, "longitude")
		got, want := place(latitude, longitude), ecef(latitude, longitude)
		for axis := range got {
			// half of 0.1 mm, and what floating point may be off
			if diff := math.Abs(float64(got[axis])/unitsPerMetre - want[axis]); diff > 0.00005+1e-8 {
				t.Fatalf("axis %d of %d,%d: %d, want %.6f m", axis, latitude, longitude, got[axis], want[axis])
			}
		}
	})
}

func TestContainsAgreesWithTheChord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Fence{
			Latitude:     rapid.Int64Range(-90*degrees, 90*degrees).Draw(t, "latitude"),
			Longitude:    rapid.Int64Range(-180*degrees, 180*degrees).Draw(t, "longitude"),
			RadiusMetres: rapid.Int64Range(1, MaxRadiusMetres).Draw(t, "radius"),
		}
		latitude := min(max(f.Latitude+rapid.Int64Range(-6_000_000, 6_000_000).Draw(t, "north"), -90*degrees), 90*degrees)
		longitude := rapid.OneOf(rapid.Int64Range(-180*degrees, 180*degrees), rapid.Map(rapid.Int64Range(-9_000_000, 9_000_000), func(east int64) int64 {
			return (f.Longitude+east+540*degrees)%(360*degrees) - 180*degrees
		})).Draw(t, "longitude")
		distance, radius := chord(f, latitude, longitude), float64(f.RadiusMetres)
		if math.Abs(distance-radius) > 0.0002 && f.contains(latitude, longitude) != (distance <= radius) {
			t.Fatalf("%+v and %d,%d: %.4f m apart, inside is %v", f, latitude, longitude, distance, f.contains(latitude, longitude))
		}
		if back := (Fence{latitude, longitude, f.RadiusMetres, 1, 0}); back.contains(f.Latitude, f.Longitude) != f.contains(latitude, longitude) {
			t.Fatal("not symmetric")
		}
	})
}

func TestScaled(t *testing.T) {
	for _, c := range []struct {
		value         int64
		scale, digits int
		want          int64
		fits          bool
	}{
		{8, 0, 3, 8000, true}, {80, 1, 3, 8000, true}, {8_000_400, 6, 3, 8000, true}, {8_000_500, 6, 3, 8001, true},
		{-8_000_500, 6, 3, -8001, true}, {-8_000_499, 6, 3, -8000, true}, {5, 9, 3, 0, true}, {1, -1, 3, 0, false},
		{1, 10, 3, 0, false}, {math.MaxInt64, 0, 3, 0, false}, {math.MinInt64, 9, 3, 0, false}, {1_000_000_000_000, 0, 7, 0, false},
	} {
		if got, fits := scaled(c.value, c.scale, c.digits); got != c.want || fits != c.fits {
			t.Errorf("%+v: got %d, %v", c, got, fits)
		}
	}
}

func BenchmarkContains(b *testing.B) {
	f := Fence{Latitude: 52 * degrees, Longitude: 5 * degrees, RadiusMetres: 200}
	for b.Loop() {
		f.contains(52*degrees+100, 5*degrees+100)
	}
}
