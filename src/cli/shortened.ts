/** Text of up to 2,000 characters, or its beginning, because a word of a command line may be very long. */
export function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}

const LONGEST = 2000;
