"""What git calls when something happens: `gittasks hook EVENT`. One process, next to no imports, never in the way."""
