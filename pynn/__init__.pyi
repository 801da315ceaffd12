# What `import pynn` offers, for type checkers and editors; __init__.py imports it at first use.
from pynn import callbacks as callbacks
from pynn import displays as displays
from pynn import export as export
from pynn import inspection as inspection
from pynn.config import show_config as show_config
from pynn.data.blocks import NpyBlocks as NpyBlocks
from pynn.data.parquet import ParquetBlocks as ParquetBlocks
from pynn.estimators.classifier import MLPClassifier as MLPClassifier
from pynn.estimators.regressor import MLPRegressor as MLPRegressor
from pynn.model.activations import LeakyReLU as LeakyReLU
from pynn.model.activations import Parametric as Parametric
from pynn.model.costs import Huber as Huber
from pynn.model.costs import Quantile as Quantile
from pynn.model.embeddings import Categories as Categories
from pynn.model.embeddings import Periodic as Periodic
from pynn.model.embeddings import PiecewiseLinear as PiecewiseLinear
from pynn.network import Network as Network
from pynn.playing import playground as playground
from pynn.population import Population as Population
from pynn.searching import search as search
from pynn.tabular.classifier import TabularClassifier as TabularClassifier
from pynn.tabular.regressor import TabularRegressor as TabularRegressor
from pynn.training.averages import EMA as EMA
from pynn.training.averages import SWA as SWA
from pynn.training.optimizers import SGD as SGD
from pynn.training.optimizers import Adam as Adam
from pynn.training.optimizers import AdamW as AdamW
from pynn.training.optimizers import RMSprop as RMSprop
from pynn.training.optimizers import Rprop as Rprop
from pynn.training.schedules import CosineRestarts as CosineRestarts
from pynn.training.schedules import OneCycle as OneCycle
from pynn.training.schedules import ReduceOnPlateau as ReduceOnPlateau
from pynn.training.schedules import Scheduled as Scheduled
from pynn.training.schedules import StepDecay as StepDecay
from pynn.training.schedules import WarmUp as WarmUp

__version__: str
