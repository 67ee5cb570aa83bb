# Splits, counts and sorts the words of made-up text, as scripts for log files do.
use strict;
use warnings;
my $state = 1;
sub draw { $state = ($state * 1103515245 + 12345) % 2147483648; return int($state / 65536) % $_[0]; }
my (%count, @kept);
for my $line (1 .. 4000) {
  my $text = join ' ', map { join '', map { chr(97 + draw(5)) } 1 .. 2 + draw(6) } 1 .. 4 + draw(8);
  $count{$_}++ for split / /, $text;
  push @kept, { line => $line, text => $text } if $line % 10 == 0;
  shift @kept if @kept > 500;
}
my @common = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print scalar(@common), " $common[0]\n";
