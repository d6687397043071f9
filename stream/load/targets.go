package load

import (
	"context"
	"fmt"
	"strings"
)

// Targets finds out when which byte of each film is due: from its own server,
// or from its curve, the name of a file that measure reads or the address of a
// film. There is one curve for all films or one for each, or none; to drain,
// what a film needs may stay unknown.
func Targets(ctx context.Context, films, curves []string, drain bool, measure func(ctx context.Context, file string) (*Curve, error)) ([]Target, error) {
	targets := make([]Target, len(films))
	for i, film := range films {
		var err error
		if len(curves) > 0 {
			targets[i].Curve, err = curveOf(ctx, curves[min(i, len(curves)-1)], measure)
		} else {
			targets[i], err = Lookup(ctx, film)
		}
		if err != nil && (!drain || len(curves) > 0) {
			return nil, fmt.Errorf("%w; what the film needs can also come from -curve FILE", err)
		}
		targets[i].URL = film
	}
	return targets, nil
}

// curveOf returns the curve of a film elsewhere, whose rate says nothing.
func curveOf(ctx context.Context, place string, measure func(context.Context, string) (*Curve, error)) (*Curve, error) {
	if strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://") {
		film, err := Lookup(ctx, place)
		return film.Curve, err
	}
	return measure(ctx, place)
}
