/**
 * Six tours of the playground. Each step is a link, two sentences about what it shows, and what to
 * press. tests/playground/test_page_tours.py does so, and checks the sentences.
 */

const OF_40_POINTS = "data=circle&noise=50&layers=16.tanh-16.tanh&showTest=yes&speed=fast";
const RELU = "data=circle&rule=sgd&layers=8.relu";

/** By the name in links, in the order of the menu. */
export const TOURS = {
  neuron: {
    title: "One neuron",
    steps: [
      {
        hash: "data=gaussians&layers=",
        text: "This network is one neuron: it multiplies x and y by a weight each, adds a bias, and "
          + "turns the sum into a probability. Its two colours meet in a straight line, where the "
          + "sum is 0.",
        press: "Press Play, and watch the line turn until it separates the two clouds.",
      },
      {
        hash: "data=circle&layers=",
        text: "No straight line separates the inside of a circle from the outside. The cost stays "
          + "at 0.69, the logarithm of 2: the cost of guessing with probability ½.",
        press: "Press Play, and wait as long as you like.",
      },
      {
        hash: "data=circle&layers=&features=xx.yy",
        text: "Now the same neuron gets x² and y² in place of x and y. Their weighted sum is 0 "
          + "along an ellipse, so one neuron is enough for the circle.",
        press: "Press Play, then tick and untick other inputs.",
      },
    ],
  },
  xor: {
    title: "Xor needs a hidden layer",
    steps: [
      {
        hash: "data=xor&layers=",
        text: "Each class has two opposite corners, and no straight line separates them. One "
          + "neuron alone learns nothing here: its accuracy stays near one half or below.",
        press: "Press Play.",
      },
      {
        hash: "data=xor&layers=1.tanh",
        text: "A hidden layer with one neuron helps little: the output sees the points along one "
          + "direction only. It can tell one corner from the rest, and about 7 of 10 points are "
          + "classified correctly.",
        press: "Press Play, then point at the hidden neuron to see its map.",
      },
      {
        hash: "data=xor&layers=4.tanh",
        text: "Four hidden neurons draw four lines, and the output neuron combines them. Nearly all "
          + "points are classified correctly.",
        press: "Press Play, then point at each hidden neuron in the diagram.",
      },
      {
        hash: "data=xor&layers=&features=xy",
        text: "The product xy is positive in one pair of corners and negative in the other. With "
          + "this input one neuron is enough: a hidden layer finds such inputs by itself.",
        press: "Press Play.",
      },
    ],
  },
  rate: {
    title: "The learning rate",
    steps: [
      {
        hash: "data=hills&layers=8.tanh&rule=sgd&learningRate=0.001",
        text: "Gradient descent moves each weight by the learning rate times its gradient. With a "
          + "rate of 0.001 the cost falls, but after 100 epochs the hills are hardly visible.",
        press: "Press Play, and watch the number of epochs.",
      },
      {
        hash: "data=hills&layers=8.tanh&rule=sgd&learningRate=0.1",
        text: "With a rate of 0.1 the steps are 100 times as long. The same 100 epochs now reach "
          + "less than a third of that cost.",
        press: "Press Play.",
      },
      {
        hash: "data=hills&layers=8.tanh&rule=sgd&learningRate=1",
        text: "With a rate of 1 a step overshoots: the cost is higher after it, the next gradient "
          + "larger, and so on. Training diverges within a few epochs, and the page says so.",
        press: "Press Play.",
      },
      {
        hash: "data=hills&layers=8.tanh&rule=adam&learningRate=0.01",
        text: "Adam divides the step of each weight by the usual size of its gradient. So its rate "
          + "depends less on the task, and with 0.01 it gets further in 100 epochs than plain "
          + "gradient descent with 0.1.",
        press: "Press Play, then try other rules and rates.",
      },
    ],
  },
  overfitting: {
    title: "Overfitting and penalties",
    steps: [
      {
        hash: `${OF_40_POINTS}&share=10`,
        text: "The network has 337 weights and biases, and 40 noisy points to learn from. It learns "
          + "them by heart: the training cost falls almost to 0, while the cost of the other points "
          + "falls at first and then rises.",
        press: "Press Play, and watch the dashed line.",
      },
      {
        hash: `${OF_40_POINTS}&share=10&l2=0.03`,
        text: "An L2 penalty adds the squares of the weights to the cost, so they stay small and the "
          + "output smooth. The training cost stays higher, and the test cost is less than a third of "
          + "what it was.",
        press: "Press Play, then try stronger and weaker penalties.",
      },
      {
        hash: `${OF_40_POINTS}&share=10&dropout=0.5`,
        text: "Dropout leaves out half of the hidden neurons in each step, at random, so none can rely "
          + "on another. This too keeps the test cost far below that of the first network.",
        press: "Press Play.",
      },
      {
        hash: `${OF_40_POINTS}&share=90`,
        text: "More data is the best remedy: here are 360 points to learn from. The same network, "
          + "without any penalty, no longer learns them by heart.",
        press: "Press Play, and compare the two costs.",
      },
    ],
  },
  relu: {
    title: "Dead relus",
    steps: [
      {
        hash: `${RELU}&learningRate=10`,
        text: "A relu neuron gives 0 where its sum is negative, and there its weights have no "
          + "gradient. With a learning rate of 10, a few steps move all eight so far that every point "
          + "gives 0: they are dead, and the output is the same everywhere.",
        press: "Press Epoch five times, and see what the panel Inside finds.",
      },
      {
        hash: `${RELU}&learningRate=0.1&steps=100&changes=0*learningRate*10_100*learningRate*0.1`,
        text: "These are the same dead neurons after 5 epochs, and the learning rate is now 0.1. This "
          + "does not help: without a gradient, no weight below the output moves again.",
        press: "Press Play.",
      },
      {
        hash: "data=circle&rule=sgd&layers=8.leaky_relu&learningRate=0.1&steps=20&speed=fast"
          + "&changes=0*learningRate*10_20*learningRate*0.1",
        text: "A leaky relu passes on a hundredth of a negative sum, so its gradient is never 0. "
          + "After an epoch with rate 10 this network guesses too, but with a rate of 0.1 it "
          + "recovers.",
        press: "Press Play, and give it 300 epochs.",
      },
      {
        hash: `${RELU}&learningRate=0.1`,
        text: "The simplest remedy is a smaller rate from the start. With 0.1, the eight relu neurons "
          + "find the circle within 100 epochs.",
        press: "Press Play.",
      },
    ],
  },
  digits: {
    title: "Reading digits",
    steps: [
      {
        hash: "room=digits&drawing=example.3",
        text: "A drawing becomes 28 × 28 grey levels, the 784 inputs of the network. Its ten outputs "
          + "are probabilities that add up to 1, and the largest is the answer: here a 3, with more "
          + "than 99 %.",
        press: "Draw a digit of your own, or choose an example.",
      },
      {
        hash: "room=digits&drawing=example.3&neuron=1.0",
        text: "Each neuron of the first hidden layer has a weight for each pixel, so its weights are a "
          + "picture. Ink where they are positive raises its sum, ink where they are negative lowers "
          + "it.",
        press: "Choose other neurons of the layer in the diagram.",
      },
      {
        hash: "room=digits&drawing=example.10",
        text: "This 5 is read as a 3, with a probability of more than 90 %. That is what its outputs "
          + "say, but a large probability does not make an answer right.",
        press: "Look at the three examples after it, which are misread too.",
      },
      {
        hash: "room=digits&drawing=example.10&rate=0.1",
        text: "Say what a drawing is, and one step of gradient descent moves the 13,002 weights and "
          + "biases, each by the learning rate times its gradient. The cost of this drawing is lower "
          + "after each step, and within ten steps it is read as a 5.",
        press: "Press 5 a few times, and see below which weights and biases moved most.",
      },
    ],
  },
};
