// Command worker is latchkey's worker service alone; `latchkey config` lists its
// environment variables.
package main

import (
	"fmt"
	"os"

	"latchkey/internal/app"
	"latchkey/internal/config"
)

func main() {
	switch {
	case len(os.Args) == 1:
		os.Exit(app.Main(config.Worker, os.Stderr))
	case len(os.Args) == 2 && os.Args[1] == "-health":
		os.Exit(app.Health(os.Stderr))
	}
	fmt.Fprintln(os.Stderr, "usage: worker [-health]; it is configured by environment variables")
	os.Exit(2)
}
